import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { insertDeliveries } from '#core/events/store.ts'
import { newId } from '#core/ids.ts'
import { CardRedeemed } from '#modules/cards/contract.ts'
import { DeviceClaimed } from '#modules/devices/contract.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import type { Progress } from './contract.ts'
import { patience, redeemed, type Site, startSite, unlockedTiers } from './site-testing.ts'
import { counting, deliver, ruleOf } from './testing.ts'

let site: Site
beforeAll(async () => {
  // One worker, so that a wave is not shared among several.
  site = await startSite({ JOBS_CONCURRENCY: '2' })
})
afterAll(() => site.app.stop())

const day_ms = 86_400_000
const pick = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T

test('a wave of many users and days ends in the same counts as the same events one by one', async () => {
  const event = CardRedeemed.name
  const filters = [{ field: 'rarity', op: 'is' as const, values: ['legendary'] }]
  const week = { unit: 'rolling', days: 7 } as const
  const achievements = [
    await site.make(counting(event, 5, 30, 1000)),
    await site.make(ruleOf({ type: 'count', event, filters, window: week }, 3, 9, 1000)),
    await site.make(ruleOf({ type: 'streak', event, filters: [], per_day: 2 }, 2, 3, 50)),
    await site.make(
      ruleOf({ type: 'distinct', event, filters: [], field: 'template_id', window: { unit: 'day' } }, 3, 50),
    ),
    await site.make({
      ...ruleOf({ type: 'count', event, filters, window: { unit: 'day' } }),
      conditions: [
        { type: 'count', event, filters, window: { unit: 'day' } },
        { type: 'distinct', event, filters: [], field: 'template_id', window: { unit: 'all' } },
      ],
      tiers: [2, 1000].map((goal, i) => ({
        tier: i === 0 ? ('bronze' as const) : ('silver' as const),
        goals: [goal, 3],
        points: 0,
        rewards: { membership: null },
      })),
    }),
  ]
  const templates = Array.from({ length: 4 }, newId)
  const today = Date.now()
  const cards = Array.from({ length: 40 }, () => ({
    at: new Date(today - pick([0, 1, 2, 3, 5]) * day_ms).toISOString(),
    card: { template_id: pick(templates), rarity: pick(['common', 'legendary'] as const), points: 2 },
  }))
  const [alone, ...together] = await Promise.all(Array.from({ length: 4 }, () => signUp(site.app)))
  if (!alone) throw new Error('unreachable')

  for (const { at, card } of cards) await deliver(site.app, CardRedeemed, redeemed(alone, card), { at })
  const consumer = `achievements.count_${event.replaceAll('.', '_')}`
  await site.app.core.db.transaction(async tx => {
    for (const { at, card } of cards) {
      const events = together.map(user => ({ id: newId(), payload: redeemed(user, card) }))
      // One of them comes twice.
      await insertDeliveries(tx, [consumer], at, [...events, ...events.slice(0, 1)])
    }
  })

  const standing = async (user: TestUser) => {
    const { body } = await site.call<{ points: number; items: Progress[] }>(user, 'GET', '/progress')
    const unlocked = body.items.flatMap(({ tiers }) => tiers).filter(tier => tier.unlocked_at !== null)
    const own = achievements.map(({ id }) => body.items.find(item => item.achievement_id === id))
    return {
      cardPoints: body.points - unlocked.reduce((sum, { points }) => sum + points, 0),
      progress: own.map(item => ({
        conditions: item?.conditions,
        fractions: item?.tiers.map(tier => tier.fraction),
        unlocked: item && unlockedTiers(item),
      })),
    }
  }
  await vi.waitFor(async () => {
    for (const user of [alone, ...together]) expect(await site.factsOf(user, CardRedeemed)).toBe(cards.length)
  }, patience)
  // What they unlocked unlocks more, which may come between two numbers of one standing.
  await site.eventsAreOver()
  const expected = await standing(alone)
  expect(expected.cardPoints).toBe(2 * cards.length)
  expect(expected.progress[0]?.unlocked).toEqual(['bronze', 'silver'])
  for (const user of together) expect(await standing(user)).toEqual(expected)
})

test('who was first in a wave gets the first places, however old the accounts are', async () => {
  const type_id = newId()
  const filters = [{ field: 'type_id', op: 'is' as const, values: [type_id] }]
  const achievement = await site.make(ruleOf({ type: 'first', event: DeviceClaimed.name, filters }, 2))
  const users: TestUser[] = []
  for (let i = 0; i < 6; i++) users.push(await signUp(site.app))
  const claim = ({ user }: TestUser, type: string) => ({
    device_id: newId(),
    user_id: user.id,
    type_id: type,
  })
  const [oldest, ...others] = users
  if (!oldest) throw new Error('unreachable')
  // What the oldest does first is not what counts.
  const order = [...others.toReversed(), oldest]
  const claims = [claim(oldest, newId()), ...order.map(user => claim(user, type_id))]
  await site.app.core.events.publishAll(site.app.core.db.primary, DeviceClaimed, claims)
  const winners = async () => {
    const held = await Promise.all(users.map(user => site.progressOf(user, achievement.id)))
    return users.filter((_, i) => held[i]?.tiers[0]?.unlocked_at).map(({ user }) => user.username)
  }
  await vi.waitFor(async () => expect(await winners()).toHaveLength(2), patience)
  expect(await winners()).toEqual(others.slice(-2).map(({ user }) => user.username))
})

test('who was first gets the first place, also where a wave reaches into another day', async () => {
  const type_id = newId()
  const filters = [{ field: 'type_id', op: 'is' as const, values: [type_id] }]
  const achievement = await site.make(ruleOf({ type: 'first', event: DeviceClaimed.name, filters }, 1))
  const [first, second] = [await signUp(site.app), await signUp(site.app)]
  const noon = new Date().setUTCHours(12, 0, 0, 0)
  const claims = [
    { days: 3, user: first, type: newId() },
    { days: 2, user: first, type: type_id },
    { days: 1, user: second, type: type_id },
  ]
  await site.app.core.db.transaction(async tx => {
    for (const { days, user, type } of claims)
      await insertDeliveries(
        tx,
        [`achievements.count_${DeviceClaimed.name.replaceAll('.', '_')}`],
        new Date(noon - days * day_ms).toISOString(),
        [{ id: newId(), payload: { device_id: newId(), user_id: user.user.id, type_id: type } }],
      )
  })
  const isHeld = async (user: TestUser) =>
    (await site.progressOf(user, achievement.id)).tiers[0]?.unlocked_at !== null
  await vi.waitFor(async () => expect([await isHeld(first), await isHeld(second)]).toContain(true), patience)
  expect([await isHeld(first), await isHeld(second)]).toEqual([true, false])
})
