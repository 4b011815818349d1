import { type Kysely, sql } from 'kysely'
import type { ChatTables } from '../tables.ts'
import type { FileAttachment, FileMessage } from './format.ts'

type Rows = Kysely<ChatTables>

export type ExportConversation = {
  id: string
  source_id: string | null
  title: string | null
  bot_id: string | null
  model: string | null
  folder: string | null
  is_archived: boolean
  is_pinned: boolean
  current_message_id: string | null
  created_at: string
  updated_at: string
  last_message_at: string
}

export type ExportAttachment = Omit<FileAttachment, 'content_base64'> & { storage_key: string }
export type ExportMessage = Omit<FileMessage, 'attachments' | 'status'> & {
  status: string
  attachments: ExportAttachment[]
}

/** The queries of exports: all fields, page by page in the order of ids. */
export const exportStore = {
  /** One conversation, or the next ones after an id. Temporary ones are not kept, so they do not go out in bulk. */
  async conversations(
    db: Rows,
    userId: string,
    which: { id: string } | { after: string | null; limit: number },
  ): Promise<ExportConversation[]> {
    const filter =
      'id' in which
        ? sql`c.id = ${which.id}`
        : sql`NOT c.is_temporary AND ${which.after ? sql`c.id > ${which.after}` : sql`true`}`
    const { rows } = await sql<ExportConversation>`
      SELECT c.id, c.source_id, c.title, c.bot_id, c.model, f.name AS folder, c.is_archived, c.is_pinned,
        c.current_message_id, c.created_at, c.updated_at, c.last_message_at
      FROM chat_conversation c LEFT JOIN chat_folder f ON f.id = c.folder_id
      WHERE c.user_id = ${userId} AND c.deleted_at IS NULL AND ${filter}
      ORDER BY c.id LIMIT ${'id' in which ? 1 : which.limit}`.execute(db)
    return rows
  },

  /** The next messages of a conversation, all branches: the order of ids puts parents before their children. */
  async messages(
    db: Rows,
    conversationId: string,
    after: string | null,
    limit: number,
  ): Promise<ExportMessage[]> {
    const { rows } = await sql<ExportMessage>`
      SELECT id, parent_id, role, content, reasoning, status, model, finish_reason, tokens_used, prompt_tokens,
        completion_tokens, usage_source, cost_micros, latency_ms, first_token_ms, error_code, error_detail, created_at,
        COALESCE((
          SELECT jsonb_agg(jsonb_build_object(
            'name', a.name, 'media_type', a.media_type, 'size', a.size, 'kind', a.kind,
            'text', CASE WHEN a.kind = 'pdf' THEN a.content_text END, 'storage_key', a.storage_key)
            ORDER BY link.position)
          FROM chat_message_attachment link JOIN chat_attachment a ON a.id = link.attachment_id
          WHERE link.message_id = m.id), '[]') AS attachments
      FROM chat_message m
      WHERE conversation_id = ${conversationId} AND ${after ? sql`id > ${after}` : sql`true`}
      ORDER BY id LIMIT ${limit}`.execute(db)
    return rows
  },

  /** The ids from a leaf to the root, root first. */
  async branchIds(db: Rows, leaf: string): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      WITH RECURSIVE up (id, parent_id, step) AS (
        SELECT id, parent_id, 1 FROM chat_message WHERE id = ${leaf}
        UNION ALL
        SELECT m.id, m.parent_id, step + 1
        FROM up, LATERAL (SELECT * FROM chat_message WHERE id = up.parent_id LIMIT 1) m
      )
      SELECT id FROM up ORDER BY step DESC`.execute(db)
    return rows.map(row => row.id)
  },
}
