import { z } from 'zod'
import { defineError } from '#core/errors.ts'
import { defineEvent } from '#core/events/events.ts'
import { contractKey, type PermissionDefinition } from '#core/module.ts'
import { Condition, Rewards, Rule, tierNames } from './rule.ts'

export const Texts = z.object({
  'zh-CN': z.string().max(300).regex(/\S/),
  en: z.string().max(300).regex(/\S/),
})

/** A field of an event, as rules may use it. */
export const EventField = z.object({
  name: z.string(),
  names: Texts,
  kind: z.enum(['text', 'number']),
  values: z.array(z.string()).nullable().describe('All that it may be; null: anything.'),
})
export type EventField = z.output<typeof EventField>

/** How far the caller is with one achievement. A hidden one has neither name nor rule before it is unlocked. */
export const Progress = z
  .object({
    achievement_id: z.uuid(),
    is_hidden: z.boolean(),
    is_secret: z.boolean().describe('Hidden, and nothing of it is unlocked yet.'),
    name: z.string().nullable().describe('In the language of the request.'),
    description: z.string().nullable(),
    icon: z.string().nullable(),
    match: z.enum(['all', 'any']),
    conditions: z.array(
      z.object({
        condition: Condition,
        value: z
          .number()
          .describe('Now: in the running window, in the streak that goes on, percent, a place.'),
      }),
    ),
    tiers: z.array(
      z.object({
        tier: z.enum(tierNames),
        goals: z.array(z.number()),
        points: z.int(),
        rewards: Rewards,
        fraction: z.number().describe('From 0 to 1.'),
        unlocked_at: z.string().nullable(),
        holders_percent: z.number().nullable().describe('Of all who play, as of last night.'),
      }),
    ),
  })
  .meta({ id: 'AchievementProgress' })
export type Progress = z.output<typeof Progress>

/** An achievement as administrators see it. */
export const Definition = z
  .object({
    id: z.uuid(),
    names: Texts,
    descriptions: Texts,
    icon: z.string(),
    is_hidden: z.boolean(),
    is_enabled: z.boolean(),
    is_starter: z.boolean().describe('One of those that Banyan brings.'),
    position: z.int(),
    version: z.int(),
    rule: Rule,
    replay: z
      .object({
        state: z.enum(['waiting', 'running', 'done', 'stopped']),
        job_id: z.uuid().nullable(),
        users_done: z.int(),
      })
      .describe('Whether history has been counted by this version.'),
    holders: z.array(z.object({ tier: z.enum(tierNames), users: z.int() })),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'AchievementDefinition' })
export type Definition = z.output<typeof Definition>

export const Standing = z
  .object({
    points: z.int(),
    is_listed: z.boolean().describe('Whether others see one on the leaderboard.'),
    rank: z.int().nullable().describe('Null: not listed, or no points yet.'),
  })
  .meta({ id: 'AchievementStanding' })
export type Standing = z.output<typeof Standing>

/** Points that one was given, and whether they were taken back. */
export const PointsEntry = z
  .object({
    id: z.string(),
    at: z.string(),
    points: z.int(),
    source: z.enum(['achievement', 'card']),
    name: z
      .string()
      .nullable()
      .describe('Of the achievement or the card, in the language of the request; null when it is gone.'),
    icon: z.string().nullable().describe('Of the achievement.'),
    tier: z.enum(tierNames).nullable().describe('Of the achievement.'),
    taken_back_at: z.string().nullable().describe('When the redemption of the card was undone.'),
  })
  .meta({ id: 'AchievementPoints' })
export type PointsEntry = z.output<typeof PointsEntry>

/** What other modules may ask for. */
export type Achievements = {
  /** The points of these users; those who have none are left out. */
  pointsOf(user_ids: readonly string[]): Promise<Map<string, number>>
}

export const achievementsKey = contractKey<Achievements>('achievements')

export const permissions: readonly PermissionDefinition[] = [
  {
    name: 'achievements.use',
    roles: ['super_admin', 'admin', 'agency_admin', 'streamer', 'assistant', 'user'],
  },
  { name: 'achievements.manage', roles: ['super_admin', 'admin'] },
]

/** A user has reached a tier of an achievement. Once for each, whatever happens later. */
export const AchievementUnlocked = defineEvent(
  'achievements.achievement.unlocked',
  z.object({ achievement_id: z.uuid(), user_id: z.uuid(), tier: z.enum(tierNames) }),
)

export const achievementNotFound = defineError({
  code: 'achievement.not_found',
  status: 404,
  en: 'There is no such achievement.',
  'zh-CN': '没有这个成就。',
})
export const previewNotFound = defineError({
  code: 'achievement.preview_not_found',
  status: 404,
  en: 'There is no such preview. Previews are kept for a day; start another one.',
  'zh-CN': '没有这个预览。预览只保留一天，请重新开始。',
})
export const ruleInvalid = defineError({
  code: 'achievement.rule_invalid',
  status: 422,
  en: 'The rule cannot work as it is. See the list of errors.',
  'zh-CN': '这条规则无法生效，请查看错误列表。',
})
export const tooManyAchievements = defineError({
  code: 'achievement.too_many',
  status: 409,
  en: 'There are {limit} achievements already. Delete or rework one of them.',
  'zh-CN': '已有 {limit} 个成就，请先删除或改写一个。',
})
export const achievementInUse = defineError({
  code: 'achievement.in_use',
  status: 409,
  en: 'Somebody has unlocked this achievement, another one needs it, or it came with Banyan. Switch it off instead.',
  'zh-CN': '已有人解锁此成就，或有其他成就以它为前置，或它是内置成就，不能删除，可以停用。',
})
