import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { CardRedeemed, RedemptionUndone } from '#modules/cards/contract.ts'
import { MessagePosted } from '#modules/chat/contract.ts'
import { DeviceClaimed } from '#modules/devices/contract.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { signUp } from '#modules/identity/testing.ts'
import { AchievementUnlocked, type Definition } from './contract.ts'
import type { Rule } from './rule.ts'
import { patience, posted, redeemed, type Site, startSite, unlockedTiers } from './site-testing.ts'
import { counting, deliver, ruleOf } from './testing.ts'

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.app.stop())

test('what happens is counted exactly once, however often, late and in parallel it is told', async () => {
  const achievement = await site.make(counting(MessagePosted.name, 20, 21))
  const user = await signUp(site.app)
  const ids = Array.from({ length: 20 }, newId)
  await Promise.all(
    [...ids, ...ids, ...ids].map(id => deliver(site.app, MessagePosted, posted(user), { id })),
  )
  await vi.waitFor(
    async () => expect(unlockedTiers(await site.progressOf(user, achievement.id))).toEqual(['bronze']),
    patience,
  )
  const { conditions, tiers } = await site.progressOf(user, achievement.id)
  expect(conditions).toMatchObject([{ value: 20 }])
  expect(tiers).toMatchObject([{ fraction: 1 }, { fraction: 20 / 21, unlocked_at: null }])
  // And what the messages unlocked.
  expect(await site.factsOf(user, MessagePosted)).toBe(20)
  await vi.waitFor(
    async () => expect(await site.factsOf(user, AchievementUnlocked)).toBeGreaterThan(0),
    patience,
  )
})

test('streaks grow from whatever side the days come', async () => {
  const achievement = await site.make(
    ruleOf({ type: 'streak', event: MessagePosted.name, filters: [], per_day: 1 }, 5),
  )
  const user = await signUp(site.app, { time_zone: 'America/New_York' })
  // At noon there: where a clock changes, days are not all equally long.
  const noon = new Date().setUTCHours(17, 0, 0, 0)
  const day = (daysAgo: number) => new Date(noon - daysAgo * 86_400_000).toISOString()
  // The middle day comes last: only it joins both halves, and more than a month late.
  for (const daysAgo of [44, 40, 43, 41])
    await deliver(site.app, MessagePosted, posted(user), { at: day(daysAgo) })
  await site.counted(user, 4, MessagePosted)
  expect(unlockedTiers(await site.progressOf(user, achievement.id))).toEqual([])
  await deliver(site.app, MessagePosted, posted(user), { at: day(42) })
  await vi.waitFor(
    async () => expect(unlockedTiers(await site.progressOf(user, achievement.id))).toEqual(['bronze']),
    patience,
  )
})

test('an undone redemption counts no more, whichever of the two comes first; what is unlocked stays', async () => {
  const category = `set-${newId().slice(-6)}`
  const filters = [{ field: 'category', op: 'is' as const, values: [category] }]
  const achievement = await site.make(
    ruleOf(
      { type: 'distinct', event: CardRedeemed.name, field: 'template_id', filters, window: { unit: 'all' } },
      1,
      3,
    ),
  )
  const user = await signUp(site.app)
  const [one, two] = [redeemed(user, { category }), redeemed(user, { category })]
  const undo = ({ redemption_id, template_id }: typeof one) => ({
    redemption_id,
    user_id: user.user.id,
    template_id,
    category,
  })
  await deliver(site.app, RedemptionUndone, undo(two))
  await site.counted(user, 1, RedemptionUndone)
  await deliver(site.app, CardRedeemed, one)
  await deliver(site.app, CardRedeemed, two)
  await vi.waitFor(
    async () => expect(unlockedTiers(await site.progressOf(user, achievement.id))).toEqual(['bronze']),
    patience,
  )
  await vi.waitFor(
    async () =>
      expect((await site.progressOf(user, achievement.id)).conditions).toMatchObject([{ value: 1 }]),
    patience,
  )
  await deliver(site.app, RedemptionUndone, undo(one))
  await vi.waitFor(
    async () =>
      expect((await site.progressOf(user, achievement.id)).conditions).toMatchObject([{ value: 0 }]),
    patience,
  )
  expect(unlockedTiers(await site.progressOf(user, achievement.id))).toEqual(['bronze'])
})

test('of the first three, there are three', async () => {
  const type_id = newId()
  const filters = [{ field: 'type_id', op: 'is' as const, values: [type_id] }]
  const achievement = await site.make(ruleOf({ type: 'first', event: DeviceClaimed.name, filters }, 3))
  const users = await Promise.all(Array.from({ length: 12 }, () => signUp(site.app)))
  const claims = users.map(({ user }) => ({ device_id: newId(), user_id: user.id, type_id }))
  const { db, events } = site.app.core
  // A wave, which is counted in batches, and single ones beside it.
  await events.publishAll(db.primary, DeviceClaimed, claims)
  await Promise.all(claims.map(claim => deliver(site.app, DeviceClaimed, claim)))
  const holders = async () =>
    (await site.call<Definition>(site.admin, 'GET', `/definitions/${achievement.id}`)).body.holders
  await vi.waitFor(async () => expect(await holders()).toEqual([{ tier: 'bronze', users: 3 }]), patience)
  await Promise.all(users.map(user => site.counted(user, 2, DeviceClaimed)))
  expect(await holders()).toEqual([{ tier: 'bronze', users: 3 }])
})

test('an achievement may need another one', async () => {
  const [a, b] = [newId(), newId()]
  const claimOf = (type_id: string) =>
    ruleOf(
      {
        type: 'count',
        event: DeviceClaimed.name,
        filters: [{ field: 'type_id', op: 'is', values: [type_id] }],
        window: { unit: 'all' },
      },
      1,
    )
  const base = await site.make(claimOf(a))
  const rule: Rule = claimOf(b)
  rule.conditions.push({ type: 'prerequisite', achievement_id: base.id, tier: null })
  rule.tiers = rule.tiers.map(tier => ({ ...tier, goals: [1, 1] }))
  const next = await site.make(rule)
  const user = await signUp(site.app)
  const claim = (type_id: string) =>
    deliver(site.app, DeviceClaimed, { device_id: newId(), user_id: user.user.id, type_id })
  await claim(b)
  await vi.waitFor(
    async () => expect((await site.progressOf(user, next.id)).tiers).toMatchObject([{ fraction: 0.5 }]),
    patience,
  )
  await claim(a)
  await vi.waitFor(
    async () => expect(unlockedTiers(await site.progressOf(user, next.id))).toEqual(['bronze']),
    patience,
  )
  const circle = await site.call<{ code: string; errors: { pointer: string }[] }>(
    site.admin,
    'PATCH',
    `/definitions/${base.id}`,
    { rule: ruleOf({ type: 'prerequisite', achievement_id: next.id, tier: null }, 1) },
  )
  expect(circle).toMatchObject({ status: 422, body: { code: 'achievement.rule_invalid' } })
  expect(circle.body.errors).toMatchObject([{ pointer: '/rule/conditions/0/achievement_id' }])
})

test('nothing of a deleted user is left, nor comes back with a late event', async () => {
  const user = await signUp(site.app)
  await deliver(site.app, MessagePosted, posted(user))
  await site.counted(user, 1, MessagePosted)
  await site.app.core.events.publish(site.app.core.db.primary, UserDeleted, { user_id: user.user.id })
  await site.counted(user, 0)
  const late = await deliver(site.app, MessagePosted, posted(user))
  await vi.waitFor(
    async () => expect(await site.app.core.jobs.get(late)).toMatchObject({ state: 'succeeded' }),
    patience,
  )
  // Nor with what was on its way already.
  await site.eventsAreOver()
  for (const table of ['achievements_fact', 'achievements_tally', 'achievements_unlock'] as const)
    expect(await site.db.selectFrom(table).selectAll().where('user_id', '=', user.user.id).execute()).toEqual(
      [],
    )
})
