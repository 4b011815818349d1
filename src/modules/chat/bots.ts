import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Db } from '#core/db/db.ts'
import { defineError, forbidden } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { type BotInput, type BotKey, type BotRow, botStore } from './bot-store.ts'
import { botNotFound } from './contract.ts'
import type { ChatTables } from './tables.ts'

export const BotFields = z.object({
  name: z.string().max(60).regex(/\S/),
  description: z.string().max(500).default(''),
  avatar_emoji: z.string().min(1).max(16).default('🤖'),
  system_prompt: z.string().min(1).max(20_000),
  model: z.string().min(1).max(200).nullable().default(null).describe('Null: the default model.'),
  temperature: z.number().min(0).max(2).nullable().default(null).describe('Null: the model’s own.'),
  memory: z
    .enum(['none', 'conversation', 'facts'])
    .default('facts')
    .describe(
      '`none`: each question stands alone, and the model sees nothing that was said before. `facts`: beyond the conversation, the bot keeps what the user says about themselves.',
    ),
  opening_line: z
    .string()
    .min(1)
    .max(2000)
    .nullable()
    .default(null)
    .describe('What the bot says first. It is shown, and the model knows that it was said.'),
  example_questions: z.array(z.string().min(1).max(200)).max(8).default([]),
  is_public: z.boolean().default(false).describe('For everybody. Needs the permission chat.bots.publish.'),
})

/** Instructions, a model and a manner under a name. */
export const Bot = BotFields.extend({ id: z.uuid(), owner_id: z.uuid() }).meta({ id: 'Bot' })
export type Bot = z.output<typeof Bot>

const botsTooMany = defineError({
  code: 'bot.too_many',
  status: 409,
  en: 'You have {limit} bots, and there is no room for more. Delete one first.',
  'zh-CN': '您已有 {limit} 个机器人，达到上限，请先删除一个。',
})

const maxBots = 200
const publish = 'chat.bots.publish'
const botKey: z.ZodType<BotKey> = z.tuple([z.boolean(), z.uuid()])

export type Bots = ReturnType<typeof createBots>

/** Own bots, and those that were made public. Private ones of others do not exist: `bot.not_found`. */
export function createBots(deps: { db: Db; ai: Ai; cache: Cache }) {
  const db = deps.db.withTables<ChatTables>()

  async function find(actor: Actor, id: string): Promise<BotRow> {
    const bot = await botStore.findVisible(db.primary, actor.user_id, id)
    if (!bot) throw botNotFound()
    return bot
  }

  /** @throws AppError `ai.model_not_found` for a model that the owner may not use */
  async function check(actor: Actor, input: BotInput, wasPublic: boolean): Promise<void> {
    if (input.is_public && !wasPublic && !actor.permissions.has(publish))
      throw forbidden({ permission: publish })
    if (input.model) await deps.ai.modelFor(actor.user_id, input.model)
  }

  return {
    /** A bot that the user may see, from memory; null when there is none. */
    async visible(userId: string, id: string): Promise<BotRow | null> {
      const tag = tagOf(id)
      const load = async () => (await botStore.find(db.primary, id)) ?? null
      const bot = await deps.cache.get(policies.l1, tag, load, { tags: [tag] })
      return bot && (bot.is_public || bot.owner_id === userId) ? bot : null
    },

    /** Own ones first. */
    async list(
      actor: Actor,
      { limit, cursor }: { limit: number; cursor?: string | undefined },
    ): Promise<Page<Bot>> {
      const after = decodeCursor(cursor, botKey)
      const rows = await botStore.list(db.primary, actor.user_id, limit + 1, after)
      const page = pageFrom(rows, limit, row => [row.owner_id === actor.user_id, row.id])
      return { ...page, items: page.items.map(view) }
    },

    get: async (actor: Actor, id: string): Promise<Bot> => view(await find(actor, id)),

    /** @throws AppError `bot.too_many`, `auth.forbidden`, `ai.model_not_found` */
    async create(actor: Actor, input: BotInput): Promise<Bot> {
      await check(actor, input, false)
      if ((await botStore.count(db.primary, actor.user_id)) >= maxBots) throw botsTooMany({ limit: maxBots })
      return view(await botStore.insert(db.primary, { ...input, id: newId(), owner_id: actor.user_id }))
    },

    /** Only the owner may; to others a public bot is read-only. */
    async replace(actor: Actor, id: string, input: BotInput): Promise<Bot> {
      const before = await find(actor, id)
      if (before.owner_id !== actor.user_id) throw botNotFound()
      await check(actor, input, before.is_public)
      const bot = await botStore.update(db.primary, actor.user_id, id, input)
      if (!bot) throw botNotFound()
      await deps.cache.invalidate(tagOf(id))
      return view(bot)
    },

    async remove(actor: Actor, id: string): Promise<void> {
      if (!(await botStore.remove(db.primary, actor.user_id, id))) throw botNotFound()
      await deps.cache.invalidate(tagOf(id))
    },
  }
}

const tagOf = (id: string): string => `chat.bot.${id}`

const view = ({ created_at: _, updated_at: __, ...bot }: BotRow): Bot => bot
