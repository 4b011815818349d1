import { type Kysely, sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'
import { newId } from '#core/ids.ts'

/*
 * Times that order a page are kept to the millisecond, because that is what a cursor can carry. There are no foreign
 * keys to other modules' tables: `user_id` and `bot_id` are ids that identity and chat gave.
 */
export const migration: Migration = {
  name: '0001_devices',
  async up(db) {
    await createCatalogue(db)
    await createDevices(db)
    await createOwnership(db)
    await createStateAndCommands(db)
    await createFirmware(db)
  },
}

/** What is made: types, production batches, and the files that list a batch's devices. */
async function createCatalogue(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE devices_type (
      id uuid PRIMARY KEY,
      key text NOT NULL UNIQUE,
      name text NOT NULL,
      category text NOT NULL,
      description text NOT NULL DEFAULT '',
      properties_schema jsonb NOT NULL,
      capabilities jsonb NOT NULL DEFAULT '[]',
      is_default boolean NOT NULL DEFAULT false,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  // What a device is that nobody announced.
  await sql`CREATE UNIQUE INDEX devices_type_default ON devices_type (is_default) WHERE is_default`.execute(
    db,
  )
  const properties = {
    type: 'object',
    properties: {
      volume: { type: 'integer', minimum: 0, maximum: 100, title: '音量', 'x-title-en': 'Volume' },
      brightness: {
        type: 'integer',
        minimum: 0,
        maximum: 100,
        title: '屏幕亮度',
        'x-title-en': 'Brightness',
      },
      theme: { type: 'string', enum: ['light', 'dark'], title: '屏幕主题', 'x-title-en': 'Theme' },
    },
    additionalProperties: false,
  }
  await sql`
    INSERT INTO devices_type (id, key, name, category, properties_schema, capabilities, is_default)
    VALUES (${newId()}, 'xiaozhi', 'XiaoZhi', 'toy', ${JSON.stringify(properties)},
      '["voice", "screen", "mcp"]', true)`.execute(db)
  await sql`
    CREATE TABLE devices_batch (
      id uuid PRIMARY KEY,
      type_id uuid NOT NULL REFERENCES devices_type,
      name text NOT NULL,
      factory text NOT NULL DEFAULT '',
      produced_on date,
      serial_from text,
      serial_to text,
      requires_proof boolean NOT NULL DEFAULT false,
      notes text NOT NULL DEFAULT '',
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE INDEX devices_batch_type ON devices_batch (type_id)`.execute(db)
  await sql`
    CREATE TABLE devices_import (
      id uuid PRIMARY KEY,
      batch_id uuid NOT NULL REFERENCES devices_batch ON DELETE CASCADE,
      user_id uuid,
      file_name text NOT NULL,
      size bigint NOT NULL,
      storage_key text,
      encoding text,
      state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
      lines_done integer NOT NULL DEFAULT 0,
      added integer NOT NULL DEFAULT 0,
      refused integer NOT NULL DEFAULT 0,
      problems jsonb NOT NULL DEFAULT '[]',
      error_code text,
      job_id uuid,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      finished_at timestamptz(3)
    )`.execute(db)
  await sql`CREATE INDEX devices_import_batch ON devices_import (batch_id, id)`.execute(db)
  await sql`
    CREATE INDEX devices_import_open ON devices_import (created_at) WHERE storage_key IS NOT NULL`.execute(db)
}

async function createDevices(db: Kysely<unknown>) {
  // Rewritten whenever a device is heard of: room in the page keeps those updates off the indexes.
  await sql`
    CREATE TABLE devices_device (
      id uuid PRIMARY KEY,
      type_id uuid NOT NULL REFERENCES devices_type,
      batch_id uuid REFERENCES devices_batch,
      mac text NOT NULL UNIQUE CHECK (mac ~ '^([0-9a-f]{2}:){5}[0-9a-f]{2}$'),
      serial text UNIQUE,
      state text NOT NULL CHECK (state IN ('produced', 'activated', 'bound', 'retired')),
      approval text NOT NULL DEFAULT 'approved' CHECK (approval IN ('approved', 'pending', 'refused')),
      client_id text,
      token_epoch integer NOT NULL DEFAULT 0,
      proof_key_sealed text,
      firmware_version text,
      board text,
      battery integer,
      network jsonb,
      last_ip text,
      last_seen_at timestamptz(3),
      online_until timestamptz(3),
      first_online_at timestamptz(3),
      created_at timestamptz(3) NOT NULL DEFAULT now()
    ) WITH (fillfactor = 80)`.execute(db)
  await sql`CREATE INDEX devices_device_mac_prefix ON devices_device (mac text_pattern_ops)`.execute(db)
  await sql`CREATE INDEX devices_device_serial_prefix ON devices_device (serial text_pattern_ops)`.execute(db)
  await sql`CREATE INDEX devices_device_type ON devices_device (type_id, id)`.execute(db)
  await sql`CREATE INDEX devices_device_batch ON devices_device (batch_id, id)`.execute(db)
  await sql`CREATE INDEX devices_device_state ON devices_device (state, id)`.execute(db)
  await sql`
    CREATE INDEX devices_device_pending ON devices_device (id) WHERE approval = 'pending'`.execute(db)
  await sql`
    CREATE INDEX devices_device_unknown ON devices_device (last_seen_at)
    WHERE batch_id IS NULL AND state = 'activated'`.execute(db)
  await sql`
    CREATE TABLE devices_group (
      id uuid PRIMARY KEY,
      name text NOT NULL UNIQUE,
      description text NOT NULL DEFAULT '',
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`
    CREATE TABLE devices_group_device (
      group_id uuid NOT NULL REFERENCES devices_group ON DELETE CASCADE,
      device_id uuid NOT NULL REFERENCES devices_device ON DELETE CASCADE,
      PRIMARY KEY (group_id, device_id)
    )`.execute(db)
  await sql`CREATE INDEX devices_group_device_device ON devices_group_device (device_id)`.execute(db)
}

/** Who has a device: the digits that prove it, the binding, the family, what is offered, and what happened. */
async function createOwnership(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE devices_activation (
      id uuid PRIMARY KEY,
      device_id uuid NOT NULL REFERENCES devices_device ON DELETE CASCADE,
      client_id text NOT NULL,
      code text NOT NULL,
      challenge text NOT NULL,
      is_open boolean NOT NULL DEFAULT true,
      claimed_at timestamptz(3),
      proven_at timestamptz(3),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      expires_at timestamptz(3) NOT NULL
    )`.execute(db)
  // What makes a code mean one device, and a device show one code at a time.
  await sql`
    CREATE UNIQUE INDEX devices_activation_code ON devices_activation (code) WHERE is_open`.execute(db)
  await sql`
    CREATE UNIQUE INDEX devices_activation_device ON devices_activation (device_id, client_id)
    WHERE is_open`.execute(db)
  await sql`CREATE INDEX devices_activation_last_of_code ON devices_activation (code, id)`.execute(db)
  await sql`CREATE INDEX devices_activation_expiry ON devices_activation (expires_at)`.execute(db)
  await sql`CREATE INDEX devices_activation_recent ON devices_activation (device_id, client_id, id)`.execute(
    db,
  )
  await sql`
    CREATE TABLE devices_claim_guard (
      key text PRIMARY KEY,
      failures integer NOT NULL,
      blocked_until timestamptz(3) NOT NULL,
      last_failure_at timestamptz(3) NOT NULL
    )`.execute(db)
  await sql`CREATE INDEX devices_claim_guard_last ON devices_claim_guard (last_failure_at)`.execute(db)
  await sql`
    CREATE TABLE devices_binding (
      id uuid PRIMARY KEY,
      device_id uuid NOT NULL UNIQUE REFERENCES devices_device ON DELETE CASCADE,
      owner_id uuid NOT NULL,
      name text NOT NULL,
      bot_id uuid,
      is_primary boolean NOT NULL DEFAULT false,
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE INDEX devices_binding_owner ON devices_binding (owner_id, id)`.execute(db)
  await sql`
    CREATE UNIQUE INDEX devices_binding_primary ON devices_binding (owner_id) WHERE is_primary`.execute(db)
  await sql`
    CREATE TABLE devices_member (
      binding_id uuid NOT NULL REFERENCES devices_binding ON DELETE CASCADE,
      user_id uuid NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      PRIMARY KEY (binding_id, user_id)
    )`.execute(db)
  await sql`CREATE INDEX devices_member_user ON devices_member (user_id)`.execute(db)
  await sql`
    CREATE TABLE devices_offer (
      id uuid PRIMARY KEY,
      binding_id uuid NOT NULL REFERENCES devices_binding ON DELETE CASCADE,
      kind text NOT NULL CHECK (kind IN ('member', 'transfer')),
      user_id uuid,
      token_hash text UNIQUE,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      expires_at timestamptz(3) NOT NULL,
      CHECK ((user_id IS NULL) <> (token_hash IS NULL))
    )`.execute(db)
  await sql`CREATE INDEX devices_offer_binding ON devices_offer (binding_id)`.execute(db)
  await sql`CREATE INDEX devices_offer_user ON devices_offer (user_id) WHERE user_id IS NOT NULL`.execute(db)
  await sql`CREATE INDEX devices_offer_expiry ON devices_offer (expires_at)`.execute(db)
  await sql`
    CREATE TABLE devices_history (
      id uuid PRIMARY KEY,
      device_id uuid NOT NULL REFERENCES devices_device ON DELETE CASCADE,
      binding_id uuid,
      kind text NOT NULL,
      user_id uuid,
      other_user_id uuid,
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE INDEX devices_history_device ON devices_history (device_id, id)`.execute(db)
  await sql`CREATE INDEX devices_history_user ON devices_history (user_id)`.execute(db)
  await sql`
    CREATE INDEX devices_history_other ON devices_history (other_user_id)
    WHERE other_user_id IS NOT NULL`.execute(db)
  await sql`CREATE INDEX devices_history_age ON devices_history (created_at)`.execute(db)
}

async function createStateAndCommands(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE devices_state (
      device_id uuid PRIMARY KEY REFERENCES devices_device ON DELETE CASCADE,
      desired jsonb NOT NULL DEFAULT '{}',
      desired_version integer NOT NULL DEFAULT 0,
      desired_at timestamptz(3),
      reported jsonb NOT NULL DEFAULT '{}',
      reported_version integer NOT NULL DEFAULT 0,
      reported_at timestamptz(3)
    ) WITH (fillfactor = 80)`.execute(db)
  await sql`
    CREATE TABLE devices_broadcast (
      id uuid PRIMARY KEY,
      type_id uuid,
      group_id uuid,
      command jsonb NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      total integer,
      sent integer NOT NULL DEFAULT 0,
      last_device_id uuid,
      is_done boolean NOT NULL DEFAULT false,
      job_id uuid,
      created_by uuid,
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`
    CREATE TABLE devices_command (
      id uuid PRIMARY KEY,
      device_id uuid NOT NULL REFERENCES devices_device ON DELETE CASCADE,
      binding_id uuid,
      broadcast_id uuid REFERENCES devices_broadcast ON DELETE CASCADE,
      command jsonb NOT NULL,
      state text NOT NULL CHECK (state IN ('queued', 'sent', 'done', 'failed', 'expired', 'cancelled')),
      created_by uuid,
      result jsonb,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      expires_at timestamptz(3) NOT NULL,
      sent_at timestamptz(3),
      finished_at timestamptz(3)
    ) WITH (fillfactor = 80)`.execute(db)
  await sql`CREATE INDEX devices_command_device ON devices_command (device_id, id)`.execute(db)
  await sql`
    CREATE INDEX devices_command_open ON devices_command (device_id, id)
    WHERE state IN ('queued', 'sent')`.execute(db)
  await sql`
    CREATE INDEX devices_command_expiry ON devices_command (expires_at)
    WHERE state IN ('queued', 'sent')`.execute(db)
  await sql`
    CREATE INDEX devices_command_finished ON devices_command (finished_at)
    WHERE finished_at IS NOT NULL`.execute(db)
  await sql`
    CREATE UNIQUE INDEX devices_command_broadcast ON devices_command (broadcast_id, device_id)
    WHERE broadcast_id IS NOT NULL`.execute(db)
}

async function createFirmware(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE devices_firmware (
      id uuid PRIMARY KEY,
      type_id uuid NOT NULL REFERENCES devices_type,
      version text NOT NULL,
      version_key text NOT NULL,
      min_version text,
      notes text NOT NULL DEFAULT '',
      file_name text NOT NULL,
      size bigint NOT NULL,
      sha256 text NOT NULL,
      storage_key text NOT NULL,
      state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'rolling', 'paused', 'withdrawn')),
      percent integer NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
      group_id uuid REFERENCES devices_group,
      is_forced boolean NOT NULL DEFAULT false,
      created_by uuid,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      UNIQUE (type_id, version_key)
    )`.execute(db)
  await sql`CREATE INDEX devices_firmware_group ON devices_firmware (group_id)`.execute(db)
}
