import { type Kysely, type RawBuilder, sql } from 'kysely'
import { searchVector } from '#core/db/search.ts'
import type { Attachment, Message } from './contract.ts'
import type { ChatTables, MessageStatus } from './tables.ts'

type Rows = Kysely<ChatTables>

/** A message as the tree holds it; attachments and siblings are read beside it. */
export type MessageRow = Omit<Message, 'attachments' | 'sibling_ids'>

const columns = sql.raw(
  [
    'id',
    'conversation_id',
    'parent_id',
    'role',
    'content',
    'reasoning',
    'status',
    'model',
    'finish_reason',
    'tokens_used',
    'prompt_tokens',
    'completion_tokens',
    'usage_source',
    'cost_micros',
    'latency_ms',
    'first_token_ms',
    'error_code',
    'error_detail',
    'created_at',
  ]
    .map(column => `m.${column}`)
    .join(', '),
)

const siblings = sql`ARRAY(
  SELECT s.id FROM chat_message s
  WHERE COALESCE(s.parent_id, s.conversation_id) = COALESCE(m.parent_id, m.conversation_id)
  ORDER BY s.id)::text[] AS sibling_ids`

const attachments = sql`COALESCE((
  SELECT jsonb_agg(jsonb_build_object(
    'id', a.id, 'name', a.name, 'media_type', a.media_type, 'size', a.size, 'kind', a.kind) ORDER BY link.position)
  FROM chat_message_attachment link JOIN chat_attachment a ON a.id = link.attachment_id
  WHERE link.message_id = m.id), '[]') AS attachments`

/**
 * One step towards the root. LIMIT keeps the planner at one look into the primary key: on a table without
 * statistics it would otherwise hash all of it at every step of the walk.
 */
const parentOf = (id: RawBuilder<unknown>) =>
  sql`LATERAL (SELECT * FROM chat_message WHERE id = ${id} LIMIT 1) m`

/** What the context of an answer is made of. */
export type PathMessage = {
  id: string
  parent_id: string | null
  role: 'user' | 'assistant'
  content: string
  attachments: PathAttachment[]
}
export type PathAttachment = Attachment & { storage_key: string; content_text: string | null }

/** The final state of an answer. */
export type AnswerEnd = Pick<
  MessageRow,
  | 'content'
  | 'reasoning'
  | 'finish_reason'
  | 'prompt_tokens'
  | 'completion_tokens'
  | 'tokens_used'
  | 'usage_source'
  | 'cost_micros'
  | 'latency_ms'
  | 'first_token_ms'
  | 'error_code'
  | 'error_detail'
> & { status: MessageStatus; model: string }

/** The queries of messages: a tree in which every row names its parent. */
export const messageStore = {
  /** A message of one of the user's conversations. */
  async find(db: Rows, userId: string, id: string): Promise<Message | undefined> {
    const { rows } = await sql<Message>`
      SELECT ${columns}, ${siblings}, ${attachments}
      FROM chat_message m JOIN chat_conversation c ON c.id = m.conversation_id
      WHERE m.id = ${id} AND c.user_id = ${userId} AND c.deleted_at IS NULL`.execute(db)
    return rows[0]
  },

  /** Messages by their ids, whoever owns them: the caller has made sure. */
  async findMany(db: Rows, ids: readonly string[]): Promise<Map<string, Message>> {
    const { rows } = await sql<Message>`
      SELECT ${columns}, ${siblings}, ${attachments}
      FROM chat_message m WHERE m.id = ANY(${[...ids]}::uuid[])`.execute(db)
    return new Map(rows.map(row => [row.id, row]))
  },

  async isIn(db: Rows, conversationId: string, id: string): Promise<boolean> {
    const row = await db
      .selectFrom('chat_message')
      .select('id')
      .where('id', '=', id)
      .where('conversation_id', '=', conversationId)
      .executeTakeFirst()
    return row !== undefined
  },

  /** Walks from a message towards the root: that message first, at most `limit` in all. */
  async branch(db: Rows, conversationId: string, fromId: string, limit: number): Promise<Message[]> {
    const { rows } = await sql<Message>`
      WITH RECURSIVE branch (id, parent_id, step) AS (
        SELECT id, parent_id, 1 FROM chat_message WHERE id = ${fromId} AND conversation_id = ${conversationId}
        UNION ALL
        SELECT m.id, m.parent_id, step + 1 FROM branch, ${parentOf(sql`branch.parent_id`)} WHERE step < ${limit}
      )
      SELECT ${columns}, ${siblings}, ${attachments}
      FROM branch JOIN chat_message m ON m.id = branch.id ORDER BY step`.execute(db)
    return rows
  },

  /**
   * The messages from one towards the root, newest first, for a prompt. Stops before `untilId`, and after `maxChars`
   * or `limit` messages are read.
   */
  async path(
    db: Rows,
    fromId: string,
    { untilId, maxChars, limit }: { untilId: string | null; maxChars: number; limit: number },
  ): Promise<PathMessage[]> {
    const { rows } = await sql<PathMessage>`
      WITH RECURSIVE path (id, parent_id, step, chars) AS (
        SELECT id, parent_id, 1, length(content) FROM chat_message WHERE id = ${fromId}
        UNION ALL
        SELECT m.id, m.parent_id, step + 1, chars + length(m.content)
        FROM path, ${parentOf(sql`path.parent_id`)}
        WHERE step < ${limit} AND chars < ${maxChars} AND m.id IS DISTINCT FROM ${untilId}::uuid
      )
      SELECT m.id, m.parent_id, m.role, m.content, COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
          'id', a.id, 'name', a.name, 'media_type', a.media_type, 'size', a.size, 'kind', a.kind,
          'storage_key', a.storage_key, 'content_text', a.content_text) ORDER BY link.position)
        FROM chat_message_attachment link JOIN chat_attachment a ON a.id = link.attachment_id
        WHERE link.message_id = m.id), '[]') AS attachments
      FROM path JOIN chat_message m ON m.id = path.id ORDER BY step`.execute(db)
    return rows
  },

  /** Whether `ancestorId` lies on the way from a message to the root. */
  async isAncestor(db: Rows, messageId: string, ancestorId: string): Promise<boolean> {
    const { rows } = await sql<{ id: string }>`
      WITH RECURSIVE up (id, parent_id) AS (
        SELECT id, parent_id FROM chat_message WHERE id = ${messageId}
        UNION ALL
        SELECT m.id, m.parent_id FROM up, ${parentOf(sql`up.parent_id`)} WHERE up.id <> ${ancestorId}
      )
      SELECT id FROM up WHERE id = ${ancestorId}`.execute(db)
    return rows.length > 0
  },

  /** The newest leaf at or below a message. */
  async newestLeaf(db: Rows, conversationId: string, messageId: string): Promise<string | undefined> {
    const { rows } = await sql<{ id: string }>`
      WITH RECURSIVE below (id) AS (
        SELECT id FROM chat_message WHERE id = ${messageId} AND conversation_id = ${conversationId}
        UNION ALL
        SELECT child.id FROM below CROSS JOIN LATERAL (
          SELECT id FROM chat_message WHERE COALESCE(parent_id, conversation_id) = below.id OFFSET 0
        ) child
      )
      SELECT id FROM below
      WHERE NOT EXISTS (SELECT FROM chat_message m WHERE COALESCE(m.parent_id, m.conversation_id) = below.id)
      ORDER BY id DESC LIMIT 1`.execute(db)
    return rows[0]?.id
  },

  async insertQuestion(
    tx: Rows,
    row: { id: string; conversation_id: string; parent_id: string | null; content: string; user_id: string },
  ) {
    const { user_id, ...values } = row
    await tx
      .insertInto('chat_message')
      .values({
        ...values,
        role: 'user',
        status: 'done',
        search: searchVector(user_id, { body: row.content }),
      })
      .execute()
  },

  async insertAnswer(
    tx: Rows,
    row: { id: string; conversation_id: string; parent_id: string | null; model: string },
  ) {
    await tx
      .insertInto('chat_message')
      .values({ ...row, role: 'assistant', status: 'streaming' })
      .execute()
  },

  /** An answer that is complete when it is stored. */
  async insertEnded(
    tx: Rows,
    userId: string,
    row: { id: string; conversation_id: string; parent_id: string } & AnswerEnd,
  ) {
    await tx
      .insertInto('chat_message')
      .values({ ...row, role: 'assistant', search: searchVector(userId, { body: row.content }) })
      .execute()
  },

  /** Cuts an answer to what was heard of it. Returns false where it is gone. */
  async cut(tx: Rows, userId: string, id: string, content: string): Promise<boolean> {
    const { numUpdatedRows } = await tx
      .updateTable('chat_message')
      .set({ content, status: 'stopped', search: searchVector(userId, { body: content }) })
      .where('id', '=', id)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },

  /** Files of the user, in the order of their ids' list, for a question that is not stored yet. */
  async attachmentsOf(db: Rows, userId: string, ids: readonly string[]): Promise<PathAttachment[]> {
    if (ids.length === 0) return []
    const rows = await db
      .selectFrom('chat_attachment')
      .select(['id', 'name', 'media_type', 'size', 'kind', 'storage_key', 'content_text'])
      .where('user_id', '=', userId)
      .where('id', 'in', ids)
      .execute()
    return ids.flatMap(id => rows.find(row => row.id === id) ?? [])
  },

  async attach(tx: Rows, messageId: string, attachments: readonly { id: string }[]) {
    if (attachments.length === 0) return
    await tx
      .insertInto('chat_message_attachment')
      .values(attachments.map(({ id }, position) => ({ message_id: messageId, attachment_id: id, position })))
      .execute()
  },

  /** A stopped or interrupted answer is written on. */
  async reopen(tx: Rows, id: string) {
    await tx
      .updateTable('chat_message')
      .set({ status: 'streaming', finish_reason: null, error_code: null, error_detail: null })
      .where('id', '=', id)
      .execute()
  },

  async finish(tx: Rows, userId: string, id: string, end: AnswerEnd) {
    await tx
      .updateTable('chat_message')
      .set({ ...end, search: searchVector(userId, { body: end.content }) })
      .where('id', '=', id)
      .execute()
  },

  /** The answer stays as far as it was stored. Returns the tokens it is known to have used. */
  async interrupt(tx: Rows, userId: string, id: string): Promise<number | null> {
    const { content, tokens_used } = await tx
      .updateTable('chat_message')
      .set({ status: 'interrupted' })
      .where('id', '=', id)
      .returning(['content', 'tokens_used'])
      .executeTakeFirstOrThrow()
    await tx
      .updateTable('chat_message')
      .set({ search: searchVector(userId, { body: content }) })
      .where('id', '=', id)
      .execute()
    return tokens_used
  },
}
