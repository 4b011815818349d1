import { sql } from 'kysely'
import { z } from 'zod'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Db } from '#core/db/db.ts'
import type { Actor } from '#core/http/route.ts'
import type { ChatTables } from './tables.ts'

/** What a user wants every model to know. */
export const Instructions = z
  .object({
    about_user: z.string().max(3000),
    answer_style: z.string().max(3000),
    is_enabled: z.boolean(),
  })
  .meta({ id: 'Instructions' })
export type Instructions = z.output<typeof Instructions>

const columns = ['about_user', 'answer_style', 'is_enabled'] as const
const none: Instructions = { about_user: '', answer_style: '', is_enabled: true }

export type InstructionService = ReturnType<typeof createInstructions>

const tagOf = (userId: string): string => `chat.instructions.${userId}`

/** A user's custom instructions. */
export function createInstructions(deps: { db: Db; cache: Cache }) {
  const db = deps.db.withTables<ChatTables>()

  const read = async (userId: string): Promise<Instructions | null> =>
    (await db.primary
      .selectFrom('chat_instruction')
      .select(columns)
      .where('user_id', '=', userId)
      .executeTakeFirst()) ?? null

  return {
    get: async ({ user_id }: Actor): Promise<Instructions> => (await read(user_id)) ?? none,

    /** For prompts, from memory; null where there are none or they are switched off. */
    async of(userId: string): Promise<Instructions | null> {
      const tag = tagOf(userId)
      // That there are none is kept as long as what there is.
      const load = async () => (await read(userId)) ?? { ...none, is_enabled: false }
      const found = await deps.cache.get(policies.l1, tag, load, { tags: [tag] })
      return found.is_enabled ? found : null
    },

    async put({ user_id }: Actor, input: Instructions): Promise<Instructions> {
      const stored = await db.primary
        .insertInto('chat_instruction')
        .values({ user_id, ...input })
        .onConflict(conflict => conflict.column('user_id').doUpdateSet({ ...input, updated_at: sql`now()` }))
        .returning(columns)
        .executeTakeFirstOrThrow()
      await deps.cache.invalidate(tagOf(user_id))
      return stored
    },
  }
}
