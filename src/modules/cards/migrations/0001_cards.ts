import { sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'
import { builtinCategories } from './builtin-categories.ts'

export const migration: Migration = {
  name: '0001_cards',
  async up(db) {
    await sql`
      CREATE TABLE cards_category (
        name text PRIMARY KEY,
        titles jsonb NOT NULL,
        schema jsonb NOT NULL,
        is_builtin boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)
    for (const { name, titles, schema } of builtinCategories)
      await sql`
        INSERT INTO cards_category (name, titles, schema, is_builtin)
        VALUES (${name}, ${JSON.stringify(titles)}, ${JSON.stringify(schema)}, true)`.execute(db)

    await sql`
      CREATE TABLE cards_template (
        id uuid PRIMARY KEY,
        category text NOT NULL REFERENCES cards_category (name),
        state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'published', 'archived')),
        version int NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)
    // The list of one category; the list of all reads the primary key.
    await sql`CREATE INDEX cards_template_category ON cards_template (category, id)`.execute(db)
    await sql`
      CREATE TABLE cards_template_version (
        template_id uuid NOT NULL REFERENCES cards_template (id),
        version int NOT NULL,
        name text NOT NULL,
        description text NOT NULL,
        images uuid[] NOT NULL,
        attributes jsonb NOT NULL,
        rarity text NOT NULL,
        rewards jsonb NOT NULL,
        set_name text,
        file_ids uuid[] NOT NULL,
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (template_id, version)
      )`.execute(db)
    // Whether a file is still in use.
    await sql`CREATE INDEX cards_template_version_files ON cards_template_version USING gin (file_ids)`.execute(
      db,
    )
    await sql`
      CREATE TABLE cards_file (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('image', 'audio')),
        name text NOT NULL,
        media_type text NOT NULL,
        size int NOT NULL,
        storage_key text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db)

    await sql`
      CREATE TABLE cards_batch (
        id uuid PRIMARY KEY,
        template_id uuid NOT NULL,
        template_version int NOT NULL,
        name text NOT NULL,
        quantity int NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
        state text NOT NULL DEFAULT 'draft'
          CHECK (state IN ('draft', 'generating', 'ready', 'released', 'frozen', 'void')),
        valid_until timestamptz,
        valid_days int,
        expires_at timestamptz,
        channel text,
        notes text NOT NULL,
        secret text,
        secret_destroyed_at timestamptz,
        hash_key_id text,
        generated int NOT NULL DEFAULT 0 CHECK (generated BETWEEN 0 AND quantity),
        job_id uuid,
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        released_at timestamptz,
        FOREIGN KEY (template_id, template_version) REFERENCES cards_template_version (template_id, version),
        CHECK (valid_until IS NULL OR valid_days IS NULL)
      )`.execute(db)
    await sql`CREATE INDEX cards_batch_template ON cards_batch (template_id, id)`.execute(db)
    // Room for the update of redemption on the same page. No index on the state: it would make that update dearer.
    await sql`
      CREATE TABLE cards_card (
        batch_id uuid NOT NULL REFERENCES cards_batch (id),
        number int NOT NULL,
        attempt smallint NOT NULL DEFAULT 0,
        code_hash bytea NOT NULL,
        last4 text NOT NULL,
        state text NOT NULL DEFAULT 'issued' CHECK (state IN ('issued', 'redeemed', 'expired', 'void')),
        redeemed_by uuid,
        redeemed_at timestamptz,
        PRIMARY KEY (batch_id, number)
      ) WITH (fillfactor = 85)`.execute(db)
    // A code is found by one probe, and exists once in the whole installation.
    await sql`CREATE UNIQUE INDEX cards_card_code ON cards_card (code_hash)`.execute(db)
    // Empty, almost always: an export asks for them.
    await sql`CREATE INDEX cards_card_attempt ON cards_card (batch_id) WHERE attempt > 0`.execute(db)

    await sql`
      CREATE TABLE cards_export (
        id uuid PRIMARY KEY,
        batch_id uuid NOT NULL REFERENCES cards_batch (id),
        format text NOT NULL,
        options jsonb NOT NULL,
        state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finished', 'cut')),
        cards int NOT NULL DEFAULT 0,
        requested_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
      )`.execute(db)
    await sql`CREATE INDEX cards_export_batch ON cards_export (batch_id, id)`.execute(db)
    // Those that nobody writes any more are marked as cut.
    await sql`CREATE INDEX cards_export_running ON cards_export (updated_at) WHERE state = 'running'`.execute(
      db,
    )
  },
}
