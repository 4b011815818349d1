import { type Kysely, sql } from 'kysely'
import type { Migration } from '#core/db/migrate.ts'

/*
 * Times that order a page are kept to the millisecond, because that is what a cursor can carry. There are no foreign
 * keys to other modules' tables: `user_id` is an id that identity gave.
 */
export const migration: Migration = {
  name: '0001_chat',
  async up(db) {
    await createLibrary(db)
    await createConversations(db)
    await createAttachments(db)
    await createShares(db)
  },
}

/** What a user prepares before talking: bots, folders, instructions. */
async function createLibrary(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE chat_bot (
      id uuid PRIMARY KEY,
      owner_id uuid NOT NULL,
      name text NOT NULL,
      description text NOT NULL DEFAULT '',
      avatar_emoji text NOT NULL DEFAULT '🤖',
      system_prompt text NOT NULL,
      model text,
      temperature real,
      memory text NOT NULL DEFAULT 'conversation' CHECK (memory IN ('none', 'conversation')),
      opening_line text,
      example_questions jsonb NOT NULL DEFAULT '[]',
      is_public boolean NOT NULL DEFAULT false,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE INDEX chat_bot_owner ON chat_bot (owner_id, id)`.execute(db)
  await sql`CREATE INDEX chat_bot_public ON chat_bot (id) WHERE is_public`.execute(db)
  await sql`
    CREATE TABLE chat_folder (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL,
      name text NOT NULL,
      position integer NOT NULL DEFAULT 0,
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE INDEX chat_folder_user ON chat_folder (user_id, position, id)`.execute(db)
  await sql`
    CREATE TABLE chat_instruction (
      user_id uuid PRIMARY KEY,
      about_user text NOT NULL DEFAULT '',
      answer_style text NOT NULL DEFAULT '',
      is_enabled boolean NOT NULL DEFAULT true,
      updated_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
}

async function createConversations(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE chat_conversation (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL,
      title text,
      bot_id uuid REFERENCES chat_bot ON DELETE SET NULL,
      model text,
      folder_id uuid REFERENCES chat_folder ON DELETE SET NULL,
      is_archived boolean NOT NULL DEFAULT false,
      is_pinned boolean NOT NULL DEFAULT false,
      is_temporary boolean NOT NULL DEFAULT false,
      current_message_id uuid,
      summary text,
      summary_until_id uuid,
      search tsvector NOT NULL DEFAULT '',
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      last_message_at timestamptz(3) NOT NULL DEFAULT now(),
      deleted_at timestamptz(3)
    )`.execute(db)
  // Read backwards: pinned first, then the latest.
  await sql`
    CREATE INDEX chat_conversation_list
    ON chat_conversation (user_id, is_archived, is_pinned, last_message_at, id)
    WHERE deleted_at IS NULL AND NOT is_temporary`.execute(db)
  await sql`CREATE INDEX chat_conversation_user ON chat_conversation (user_id, id)`.execute(db)
  await sql`CREATE INDEX chat_conversation_bot ON chat_conversation (bot_id) WHERE bot_id IS NOT NULL`.execute(
    db,
  )
  await sql`
    CREATE INDEX chat_conversation_folder ON chat_conversation (folder_id) WHERE folder_id IS NOT NULL`.execute(
    db,
  )
  await sql`
    CREATE INDEX chat_conversation_deleted ON chat_conversation (deleted_at)
    WHERE deleted_at IS NOT NULL`.execute(db)
  await sql`
    CREATE INDEX chat_conversation_temporary ON chat_conversation (last_message_at)
    WHERE is_temporary`.execute(db)
  await sql`CREATE INDEX chat_conversation_search ON chat_conversation USING gin (search)`.execute(db)

  // A streaming answer is rewritten four times a second; room in the page keeps those updates off the indexes.
  await sql`
    CREATE TABLE chat_message (
      id uuid PRIMARY KEY,
      conversation_id uuid NOT NULL REFERENCES chat_conversation ON DELETE CASCADE,
      parent_id uuid REFERENCES chat_message ON DELETE CASCADE,
      role text NOT NULL CHECK (role IN ('user', 'assistant')),
      content text NOT NULL DEFAULT '',
      reasoning text,
      status text NOT NULL CHECK (status IN ('streaming', 'done', 'stopped', 'interrupted', 'failed')),
      model text,
      finish_reason text,
      prompt_tokens integer,
      completion_tokens integer,
      tokens_used integer,
      usage_source text,
      cost_micros bigint,
      latency_ms integer,
      first_token_ms integer,
      error_code text,
      error_detail text,
      search tsvector NOT NULL DEFAULT '',
      created_at timestamptz(3) NOT NULL DEFAULT now()
    ) WITH (fillfactor = 80)`.execute(db)
  await sql`CREATE INDEX chat_message_conversation ON chat_message (conversation_id, id)`.execute(db)
  // Siblings share a parent; the first messages of a conversation have the conversation itself for one.
  await sql`
    CREATE INDEX chat_message_siblings ON chat_message ((COALESCE(parent_id, conversation_id)), id)`.execute(
    db,
  )
  await sql`CREATE INDEX chat_message_parent ON chat_message (parent_id) WHERE parent_id IS NOT NULL`.execute(
    db,
  )
  await sql`CREATE INDEX chat_message_search ON chat_message USING gin (search)`.execute(db)

  // A turn is stored before its answer, since it decides whether there will be one.
  await sql`
    CREATE TABLE chat_turn (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL,
      conversation_id uuid NOT NULL REFERENCES chat_conversation ON DELETE CASCADE,
      message_id uuid NOT NULL REFERENCES chat_message ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
      client_message_id text NOT NULL,
      kind text NOT NULL CHECK (kind IN ('send', 'regenerate', 'continue')),
      state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'stopped', 'interrupted', 'failed')),
      request jsonb NOT NULL,
      owner text NOT NULL,
      lease_until timestamptz NOT NULL,
      stop_requested boolean NOT NULL DEFAULT false,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      finished_at timestamptz(3)
    )`.execute(db)
  // The promise that a resend never starts, or bills, a second turn.
  await sql`CREATE UNIQUE INDEX chat_turn_client ON chat_turn (user_id, client_message_id)`.execute(db)
  await sql`
    CREATE UNIQUE INDEX chat_turn_live ON chat_turn (message_id) WHERE state IN ('queued', 'running')`.execute(
    db,
  )
  await sql`
    CREATE INDEX chat_turn_lease ON chat_turn (lease_until) WHERE state IN ('queued', 'running')`.execute(db)
  await sql`CREATE INDEX chat_turn_conversation ON chat_turn (conversation_id)`.execute(db)
  await sql`CREATE INDEX chat_turn_message ON chat_turn (message_id)`.execute(db)
}

async function createAttachments(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE chat_attachment (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL,
      name text NOT NULL,
      media_type text NOT NULL,
      size bigint NOT NULL,
      kind text NOT NULL CHECK (kind IN ('image', 'text', 'pdf')),
      storage_key text NOT NULL,
      content_text text,
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE INDEX chat_attachment_user ON chat_attachment (user_id, id)`.execute(db)
  // Where the sweep for uploads that no message took begins.
  await sql`CREATE INDEX chat_attachment_created ON chat_attachment (created_at)`.execute(db)
  await sql`
    CREATE TABLE chat_message_attachment (
      message_id uuid NOT NULL REFERENCES chat_message ON DELETE CASCADE,
      attachment_id uuid NOT NULL REFERENCES chat_attachment ON DELETE CASCADE,
      position integer NOT NULL,
      PRIMARY KEY (message_id, attachment_id)
    )`.execute(db)
  await sql`
    CREATE INDEX chat_message_attachment_attachment ON chat_message_attachment (attachment_id)`.execute(db)
}

async function createShares(db: Kysely<unknown>) {
  await sql`
    CREATE TABLE chat_share (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL,
      conversation_id uuid NOT NULL REFERENCES chat_conversation ON DELETE CASCADE,
      message_id uuid NOT NULL REFERENCES chat_message ON DELETE CASCADE,
      token_hash text NOT NULL,
      token_sealed text NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db)
  await sql`CREATE UNIQUE INDEX chat_share_token ON chat_share (token_hash)`.execute(db)
  await sql`CREATE INDEX chat_share_conversation ON chat_share (conversation_id, id)`.execute(db)
  await sql`CREATE INDEX chat_share_message ON chat_share (message_id)`.execute(db)
}
