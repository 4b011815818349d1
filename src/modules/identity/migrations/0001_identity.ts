import { type Kysely, sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'
import { makePartitions } from '#core/db/partitions.ts'

/** Times are kept to the millisecond, which is what a cursor and JSON can carry. */
export const migration: Migration = {
  name: '0001_identity',
  async up(db) {
    await createUsers(db)
    await createCredentials(db)
    await createRoles(db)
    await createOrganisations(db)
    await createSignInLog(db)
  },
}

async function createUsers(db: Kysely<unknown>) {
  // A deleted user keeps its row, so that what it left behind still names somebody; personal fields are erased.
  await sql`
    CREATE TABLE identity_user (
      id uuid PRIMARY KEY,
      username text NOT NULL,
      username_key text NOT NULL UNIQUE,
      email text UNIQUE,
      phone text UNIQUE,
      password_hash text,
      display_name text NOT NULL,
      avatar_key text,
      locale text NOT NULL DEFAULT 'zh-CN' CHECK (locale IN ('zh-CN', 'en')),
      time_zone text NOT NULL DEFAULT 'Asia/Shanghai',
      is_active boolean NOT NULL DEFAULT true,
      is_vip boolean NOT NULL DEFAULT false,
      roles text[] NOT NULL DEFAULT '{user}',
      profile jsonb NOT NULL DEFAULT '{}',
      preferences jsonb NOT NULL DEFAULT '{}',
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      last_sign_in_at timestamptz(3),
      deleted_at timestamptz(3)
    )`.execute(db)
  await sql`CREATE INDEX identity_user_roles ON identity_user USING gin (roles)`.execute(db)
  await sql`CREATE INDEX identity_user_list ON identity_user (id) WHERE deleted_at IS NULL`.execute(db)
}

async function createCredentials(db: Kysely<unknown>) {
  // A row is a sign-in that still holds; ending it deletes the row. `token_hash` is the cookie's.
  await sql`
    CREATE TABLE identity_session (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL REFERENCES identity_user ON DELETE CASCADE,
      token_hash text UNIQUE,
      ip text NOT NULL,
      user_agent text NOT NULL,
      created_at timestamptz(3) NOT NULL,
      last_used_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL
    )`.execute(db)
  await sql`CREATE INDEX identity_session_user ON identity_session (user_id, id)`.execute(db)
  await sql`CREATE INDEX identity_session_expiry ON identity_session (expires_at)`.execute(db)
  // Used tokens stay for a while: a second use gives a thief away.
  await sql`
    CREATE TABLE identity_refresh_token (
      token_hash text PRIMARY KEY,
      session_id uuid NOT NULL REFERENCES identity_session ON DELETE CASCADE,
      used_at timestamptz(3)
    )`.execute(db)
  await sql`CREATE INDEX identity_refresh_token_session ON identity_refresh_token (session_id)`.execute(db)
  await sql`CREATE INDEX identity_refresh_token_used ON identity_refresh_token (used_at)`.execute(db)
  await sql`
    CREATE TABLE identity_api_token (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL REFERENCES identity_user ON DELETE CASCADE,
      name text NOT NULL,
      token_hash text NOT NULL UNIQUE,
      last_four text NOT NULL,
      scopes text[] NOT NULL,
      created_at timestamptz(3) NOT NULL,
      last_used_at timestamptz(3),
      expires_at timestamptz(3)
    )`.execute(db)
  await sql`CREATE INDEX identity_api_token_user ON identity_api_token (user_id, id)`.execute(db)
  await sql`
    CREATE TABLE identity_one_time_token (
      token_hash text PRIMARY KEY,
      user_id uuid NOT NULL REFERENCES identity_user ON DELETE CASCADE,
      purpose text NOT NULL CHECK (purpose IN ('sign_in', 'password_reset')),
      expires_at timestamptz(3) NOT NULL
    )`.execute(db)
  await sql`CREATE INDEX identity_one_time_token_user ON identity_one_time_token (user_id)`.execute(db)
  await sql`CREATE INDEX identity_one_time_token_expiry ON identity_one_time_token (expires_at)`.execute(db)
  await sql`
    CREATE TABLE identity_throttle (
      key text PRIMARY KEY,
      failures integer NOT NULL,
      last_failed_at timestamptz(3) NOT NULL,
      locked_until timestamptz(3)
    )`.execute(db)
  await sql`CREATE INDEX identity_throttle_age ON identity_throttle (last_failed_at)`.execute(db)
}

async function createRoles(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE identity_role (
      name text PRIMARY KEY,
      position integer NOT NULL,
      permissions text[] NOT NULL DEFAULT '{}'
    )`.execute(db)
  await sql`
    INSERT INTO identity_role (name, position) VALUES
      ('super_admin', 1), ('admin', 2), ('agency_admin', 3), ('streamer', 4), ('assistant', 5), ('user', 6)
    `.execute(db)
  // What has been handed to its default roles already: an administrator's later choice is not overruled at start.
  await sql`CREATE TABLE identity_permission (name text PRIMARY KEY)`.execute(db)
  await sql`
    CREATE TABLE identity_setting (
      name text PRIMARY KEY,
      value text NOT NULL,
      updated_by uuid NOT NULL,
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`
    CREATE TABLE identity_invitation (
      id uuid PRIMARY KEY,
      token_hash text NOT NULL UNIQUE,
      email text,
      roles text[] NOT NULL,
      created_by uuid NOT NULL,
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      used_at timestamptz(3),
      used_by uuid
    )`.execute(db)
  await sql`CREATE INDEX identity_invitation_expiry ON identity_invitation (expires_at)`.execute(db)
}

async function createOrganisations(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE identity_organisation (
      id uuid PRIMARY KEY,
      name text NOT NULL,
      created_by uuid NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`
    CREATE TABLE identity_member (
      organisation_id uuid NOT NULL REFERENCES identity_organisation ON DELETE CASCADE,
      user_id uuid NOT NULL REFERENCES identity_user ON DELETE CASCADE,
      role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      PRIMARY KEY (organisation_id, user_id)
    )`.execute(db)
  await sql`CREATE INDEX identity_member_user ON identity_member (user_id)`.execute(db)
  await sql`
    CREATE TABLE identity_organisation_invitation (
      id uuid PRIMARY KEY,
      organisation_id uuid NOT NULL REFERENCES identity_organisation ON DELETE CASCADE,
      token_hash text NOT NULL UNIQUE,
      email text,
      role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
      created_by uuid NOT NULL,
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL
    )`.execute(db)
  await sql`
    CREATE INDEX identity_organisation_invitation_organisation
    ON identity_organisation_invitation (organisation_id, id)`.execute(db)
  await sql`
    CREATE INDEX identity_organisation_invitation_expiry
    ON identity_organisation_invitation (expires_at)`.execute(db)
}

async function createSignInLog(db: Kysely<unknown>) {
  // What was typed as a name is not kept: people type their password there.
  await sql`
    CREATE TABLE identity_sign_in (
      id uuid NOT NULL,
      user_id uuid,
      method text NOT NULL CHECK (method IN ('password', 'link')),
      succeeded boolean NOT NULL,
      ip text NOT NULL,
      user_agent text NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      PRIMARY KEY (created_at, id)
    ) PARTITION BY RANGE (created_at)`.execute(db)
  await sql`CREATE INDEX identity_sign_in_user ON identity_sign_in (user_id, id)`.execute(db)
  await sql`CREATE INDEX identity_sign_in_list ON identity_sign_in (id)`.execute(db)
  await makePartitions(db, 'identity_sign_in')
}
