import { z } from 'zod'
import { defineEvent } from '#core/events/events.ts'
import { contractKey, type PermissionDefinition } from '#core/module.ts'

export const rarities = ['common', 'uncommon', 'rare', 'epic', 'legendary'] as const
export const Rarity = z.enum(rarities)
export type Rarity = z.output<typeof Rarity>

/** A text in both languages. */
export const CategoryTitles = z.object({
  'zh-CN': z.string().max(50).regex(/\S/),
  en: z.string().max(50).regex(/\S/),
})
export type CategoryTitles = z.output<typeof CategoryTitles>

/** What a card brings besides its item, which is always unlocked. */
export const Rewards = z
  .object({
    membership: z.object({ plan: z.string().min(1).max(64), days: z.int().min(1).max(3660) }).optional(),
    points: z.int().min(1).max(1_000_000).optional(),
  })
  .meta({ id: 'CardsRewards' })
export type Rewards = z.output<typeof Rewards>

/** What a template says. It is versioned: a printed card keeps the version it was printed with. */
export const TemplateContent = z.object({
  name: z.string().max(100).regex(/\S/),
  description: z.string().max(5000).default(''),
  images: z.array(z.uuid()).max(10).default([]).describe('Ids of uploaded pictures; the first is the cover.'),
  attributes: z
    .record(z.string().max(100), z.unknown())
    .describe('What the JSON Schema of the category asks for.'),
  rarity: Rarity,
  rewards: Rewards.default({}),
  set_name: z
    .string()
    .max(100)
    .regex(/\S/)
    .nullable()
    .default(null)
    .describe('The set that a collector completes.'),
})
export type TemplateContent = z.output<typeof TemplateContent>

/** An item on a user's account, as other modules see it. */
export type OwnedItem = {
  id: string
  template_id: string
  template_version: number
  category: string
  rarity: Rarity
  name: string
  attributes: Record<string, unknown>
  acquired_at: string
}

/** What other modules may ask for. */
export type Cards = {
  /** What a user owns, newest first, at most 1000. */
  itemsOf(user_id: string): Promise<OwnedItem[]>
  /** How many published templates each category has: what there is to complete. */
  setSizes(): Promise<{ category: string; total: number }[]>
  /** The names of templates in their newest version; those that are not there are left out. */
  templateNames(template_ids: readonly string[]): Promise<Map<string, string>>
  /**
   * Looks for rows of the usage log that were changed, added or removed, in one batch or all. `onBatch` hears of each
   * batch when it is done.
   */
  verifyUsage(options: {
    batch_id?: string | undefined
    onBatch?: (result: { batch_id: string; rows: number; findings: UsageFinding[] }) => void
  }): Promise<{ batches: number; rows: number; findings: UsageFinding[] }>
}

/** What is wrong with rows `first_seq` to `last_seq` of a batch's log; `id` of the row where it is there. */
export type UsageFinding = {
  kind: string
  batch_id: string
  first_seq: number
  last_seq: number
  id: string | null
}

export const cardsKey = contractKey<Cards>('cards')

const everyone = ['super_admin', 'admin', 'agency_admin', 'streamer', 'assistant', 'user']
const operators = ['super_admin', 'admin']

export const permissions: readonly PermissionDefinition[] = [
  { name: 'cards.use', roles: everyone },
  { name: 'cards.categories.manage', roles: operators },
  { name: 'cards.templates.manage', roles: operators },
  { name: 'cards.batches.manage', roles: operators },
  // Whoever has it can take codes out of the house.
  { name: 'cards.exports.create', roles: operators },
  // The usage log with its verification, and the statistics.
  { name: 'cards.usage.read', roles: operators },
  { name: 'cards.redemptions.undo', roles: operators },
]

/** A card was redeemed; its item is on the user's account. */
export const CardRedeemed = defineEvent(
  'cards.card.redeemed',
  z.object({
    redemption_id: z.uuid(),
    user_id: z.uuid(),
    batch_id: z.uuid(),
    template_id: z.uuid(),
    template_version: z.int(),
    category: z.string(),
    rarity: Rarity,
    points: z.int().optional().describe('Achievement points that the card brings, while it is not undone.'),
  }),
)

/** An administrator took a redemption back. */
export const RedemptionUndone = defineEvent(
  'cards.redemption.undone',
  z.object({
    redemption_id: z.uuid(),
    user_id: z.uuid(),
    template_id: z.uuid(),
    category: z.string(),
  }),
)
