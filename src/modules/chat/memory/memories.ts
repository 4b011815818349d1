import { z } from 'zod'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import type { chatSettings } from '../config.ts'
import { type Memory, memoryNotFound } from '../contract.ts'
import type { ChatTables } from '../tables.ts'
import type { Download } from '../transfer/export.ts'
import { chooseFacts, type SizedFact, sized } from './choose.ts'
import { memoryStore } from './store.ts'

/** What the user has decided. */
export const MemorySettings = z.object({ is_enabled: z.boolean() }).meta({ id: 'MemorySettings' })
export type MemorySettings = z.output<typeof MemorySettings>

export type MemoryFilter = {
  bot_id?: string | null | undefined
  q?: string | undefined
  is_current?: boolean
}

/** The facts that prompts choose from: the newest of those that hold. */
const maxCurrent = 500
const batch = 200
const memoryKey = z.tuple([z.uuid()])
const tagOf = (userId: string): string => `chat.memory.${userId}`

export type Memories = ReturnType<typeof createMemories>

/** What bots remember of a user: told to them, shown to the user, and forgotten at its wish. */
export function createMemories(deps: {
  db: Db
  cache: Cache
  clock: Clock
  settings: Settings<typeof chatSettings>
}) {
  const db = deps.db.withTables<ChatTables>()
  const { cache, clock, settings } = deps

  const changed = (userId: string) => cache.invalidate(tagOf(userId))

  /** Null: the user wants no memory. */
  const remembered = (userId: string, botId: string | null): Promise<SizedFact[] | null> =>
    cache.get(
      policies.l1,
      `chat.memory ${userId} ${botId}`,
      async () =>
        (await memoryStore.isEnabled(db.primary, userId))
          ? sized(await memoryStore.current(db.primary, userId, botId, maxCurrent))
          : null,
      { tags: [tagOf(userId)] },
    )

  async function* all(userId: string): AsyncGenerator<Memory> {
    for (let after: string | null = null; ; ) {
      const page: Memory[] = await db.read(userId, rows => memoryStore.list(rows, userId, {}, batch, after))
      yield* page
      const last = page.at(-1)
      if (page.length < batch || !last) return
      after = last.id
    }
  }

  async function* file(userId: string) {
    yield `{"format":"banyan.chat.memories","version":1,"exported_at":"${new Date(clock.now()).toISOString()}","memories":[`
    yield* separated(all(userId))
    yield ']}\n'
  }

  return {
    changed,
    all,

    /** What a bot shall know when it answers a question, oldest first, within CHAT_MEMORY_TOKENS. */
    async choose(userId: string, botId: string | null, question: string): Promise<string[]> {
      const budget = settings.CHAT_MEMORY_TOKENS
      if (budget === 0) return []
      const facts = (await remembered(userId, botId)) ?? []
      return chooseFacts(facts, question, budget).map(({ content }) => content)
    },

    /** The newest first, history included unless `is_current`. */
    async list(
      actor: Actor,
      { limit, cursor, ...filter }: MemoryFilter & { limit: number; cursor?: string | undefined },
    ): Promise<Page<Memory>> {
      const [after = null] = decodeCursor(cursor, memoryKey) ?? []
      const { bot_id, q, is_current = false } = filter
      const wanted = { is_current, ...(bot_id === undefined ? {} : { bot_id }), ...(q ? { q } : {}) }
      const rows = await memoryStore.list(db.primary, actor.user_id, wanted, limit + 1, after)
      return pageFrom(rows, limit, row => [row.id])
    },

    /** One fact, and what it took the place of. @throws AppError `memory.not_found` */
    async remove({ user_id }: Actor, id: string): Promise<void> {
      if (!(await memoryStore.remove(db.primary, user_id, id))) throw memoryNotFound()
      await changed(user_id)
    },

    /** Everything, or everything of one bot; null: of talks without one. */
    async removeAll({ user_id }: Actor, botId: string | null | undefined): Promise<void> {
      while ((await memoryStore.removeAll(db.primary, user_id, botId, batch)) === batch);
      await changed(user_id)
    },

    export({ user_id }: Actor): Download {
      const day = new Date(clock.now()).toISOString().slice(0, 10)
      return { name: `banyan-memories-${day}.json`, pieces: file(user_id) }
    },

    settings: async ({ user_id }: Actor): Promise<MemorySettings> => ({
      is_enabled: await memoryStore.isEnabled(db.primary, user_id),
    }),

    async putSettings({ user_id }: Actor, { is_enabled }: MemorySettings): Promise<MemorySettings> {
      await memoryStore.setEnabled(db.primary, user_id, is_enabled)
      await changed(user_id)
      return { is_enabled }
    },
  }
}

async function* separated(items: AsyncIterable<object>): AsyncGenerator<string> {
  let isFirst = true
  for await (const item of items) {
    yield `${isFirst ? '' : ','}${JSON.stringify(item)}`
    isFirst = false
  }
}
