import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { searchQuery } from '#core/db/search.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { Conversation, Message } from './contract.ts'
import { conversationStore } from './conversation-store.ts'
import { messageStore } from './message-store.ts'
import { searchStore } from './search-store.ts'
import type { ChatTables } from './tables.ts'

/** A conversation whose title, or one of whose messages, has what was looked for. */
export const SearchHit = z
  .object({
    conversation: Conversation,
    message: Message.nullable().describe('Null: the title was hit.'),
    title_highlight: z.string().nullable().describe('Hits stand between U+0001 and U+0002.'),
    highlight: z.string().nullable().describe('A piece of the message, marked in the same way.'),
    rank: z.number(),
  })
  .meta({ id: 'SearchHit' })
export type SearchHit = z.output<typeof SearchHit>

const hitKey = z.tuple([z.number(), z.uuid()])

export type Search = ReturnType<typeof createSearch>

/** Search over a user's titles and messages, best first. Temporary and deleted conversations are left out. */
export function createSearch(deps: { db: Db }) {
  const db = deps.db.withTables<ChatTables>()
  return {
    async find(
      actor: Actor,
      { q, limit, cursor }: { q: string; limit: number; cursor?: string | undefined },
    ): Promise<Page<SearchHit>> {
      const after = decodeCursor(cursor, hitKey)
      const query = searchQuery(actor.user_id, q)
      if (!query) return { items: [], next_cursor: null }
      const { page, conversations, messages } = await db.read(actor.user_id, async rows => {
        const found = await searchStore.find(rows, query.tsquery, limit + 1, after)
        const page = pageFrom(found, limit, row => [row.rank, row.id])
        const [conversations, messages] = await Promise.all([
          conversationStore.findMany(
            rows,
            actor.user_id,
            page.items.map(row => row.conversation_id),
          ),
          messageStore.findMany(
            rows,
            page.items.map(row => row.id),
          ),
        ])
        return { page, conversations, messages }
      })
      const items = page.items.flatMap(({ id, conversation_id, rank }): SearchHit[] => {
        const conversation = conversations.get(conversation_id)
        if (!conversation) return []
        const message = messages.get(id) ?? null
        return [
          {
            conversation,
            message,
            title_highlight: conversation.title ? query.highlight(conversation.title) : null,
            highlight: message ? query.highlight(message.content) : null,
            rank,
          },
        ]
      })
      return { items, next_cursor: page.next_cursor }
    },
  }
}
