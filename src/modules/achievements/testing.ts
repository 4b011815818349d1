import { z } from 'zod'
import type { EventType } from '#core/events/events.ts'
import { newId } from '#core/ids.ts'
import type { TestApp } from '#core/testing/app.ts'
import { admins, type ModuleAccess, of, own, signedIn, type Thing } from '#modules/identity/testing.ts'
import type { DefinitionInput } from './definitions.ts'
import type { Condition, Rule, TierName } from './rule.ts'

/** A rule with one condition and tiers from bronze on. */
export function ruleOf(condition: Condition, ...goals: number[]): Rule {
  const names: TierName[] = ['bronze', 'silver', 'gold', 'platinum', 'diamond']
  return {
    match: 'all',
    conditions: [condition],
    tiers: goals.map((goal, i) => ({
      tier: names[i] ?? 'diamond',
      goals: [goal],
      points: 10 * (i + 1),
      rewards: { membership: null },
    })),
  }
}

export const counting = (event: string, ...goals: number[]): Rule =>
  ruleOf({ type: 'count', event, filters: [], window: { unit: 'all' } }, ...goals)

export const definitionOf = (rule: Rule, more: Partial<DefinitionInput> = {}): DefinitionInput => ({
  names: { 'zh-CN': '测试', en: 'Test' },
  descriptions: { 'zh-CN': '测试用', en: 'For a test' },
  icon: '🧪',
  is_hidden: false,
  is_enabled: true,
  position: 5_000,
  rule,
  ...more,
})

/** Hands an event to the counting as the event's job does: whenever it pleases, and as often. */
export async function deliver<T>(
  { core }: Pick<TestApp, 'core'>,
  event: EventType<T>,
  payload: T,
  { id = newId(), at = new Date().toISOString() }: { id?: string; at?: string } = {},
): Promise<string> {
  const job = {
    name: `achievements.count_${event.name.replaceAll('.', '_')}`,
    schema: z.unknown(),
    attempts: 12,
    timeout_ms: 60_000,
    concurrency: null,
    run: () => Promise.reject(new Error('only its name is used')),
  }
  return core.jobs.add(core.db.primary, job, { id, occurred_at: at, payload })
}

const rule = counting('chat.message.posted', 1_000_000)
const definition: Thing = (_owner, { admin, post }) =>
  post('/achievements/definitions', admin, definitionOf(rule))

/** Who may do what here: see `src/access-matrix.test.ts`. */
export const access: ModuleAccess = {
  routes: {
    'GET /api/v1/achievements/progress': signedIn,
    'GET /api/v1/achievements/points': signedIn,
    'GET /api/v1/achievements/leaderboard': signedIn,
    'PUT /api/v1/achievements/leaderboard/listing': { ...signedIn, body: { is_listed: true } },
    'GET /api/v1/achievements/events': admins,
    'GET /api/v1/achievements/statistics': admins,
    'GET /api/v1/achievements/definitions': admins,
    'POST /api/v1/achievements/definitions': admins,
    'GET /api/v1/achievements/definitions/:id': of(admins, definition),
    'PATCH /api/v1/achievements/definitions/:id': of(admins, definition, { icon: '🎯' }),
    'DELETE /api/v1/achievements/definitions/:id': of(admins, definition),
    'POST /api/v1/achievements/definitions/:id/replays': of(admins, definition),
    'POST /api/v1/achievements/previews': admins,
    'GET /api/v1/achievements/previews/:id': of(admins, (_owner, { admin, post }) =>
      post('/achievements/previews', admin, { rule }),
    ),
  },
  channels: { 'achievements.user.:user_id': of(own, async owner => owner.user.id) },
}
