import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { ChatTables } from './tables.ts'

/** `id` is the message's, or the conversation's when its title was hit. */
export type HitRow = { id: string; conversation_id: string; rank: number }

/** Ranks are float4 in the database and stay so in the comparison, or a cursor would miss its own row. */
export const searchStore = {
  async find(
    db: Kysely<ChatTables>,
    tsquery: RawBuilder<string>,
    limit: number,
    after: [number, string] | null,
  ): Promise<HitRow[]> {
    const { rows } = await sql<HitRow>`
      WITH hit AS (
        SELECT id, id AS conversation_id, 2 * ts_rank(search, ${tsquery}) AS score
        FROM chat_conversation WHERE search @@ ${tsquery}
        UNION ALL
        SELECT id, conversation_id, ts_rank(search, ${tsquery}) FROM chat_message WHERE search @@ ${tsquery}
      ), ranked AS (
        SELECT hit.id, hit.conversation_id, hit.score::real AS rank
        FROM hit JOIN chat_conversation c ON c.id = hit.conversation_id
        WHERE c.deleted_at IS NULL AND NOT c.is_temporary
      )
      SELECT id, conversation_id, rank FROM ranked
      WHERE ${after ? sql`(rank, id) < (${after[0]}::real, ${after[1]}::uuid)` : sql`true`}
      ORDER BY rank DESC, id DESC LIMIT ${limit}`.execute(db)
    return rows
  },
}
