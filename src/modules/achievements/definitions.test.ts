import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { DeviceClaimed } from '#modules/devices/contract.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import type { Definition } from './contract.ts'
import { addDays } from './days.ts'
import type { Preview } from './previews.ts'
import type { Rule } from './rule.ts'
import { patience, type Site, startSite, unlockedTiers } from './site-testing.ts'
import { counting, definitionOf, deliver, ruleOf } from './testing.ts'

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.app.stop())

test('a new rule counts what happened before, a changed one is a new version, and nobody loses anything', async () => {
  const type_id = newId()
  const users = await Promise.all(Array.from({ length: 4 }, () => signUp(site.app)))
  const claim = ({ user }: TestUser) => ({ device_id: newId(), user_id: user.id, type_id })
  const filters = [{ field: 'type_id', op: 'is' as const, values: [type_id] }]
  // Late in the evening of a day by UTC, which is the next one in Beijing.
  const at = `${addDays(new Date().toISOString().slice(0, 10), -3)}T20:00:00.000Z`
  await Promise.all(
    users.flatMap((user, i) =>
      Array.from({ length: i + 1 }, () => deliver(site.app, DeviceClaimed, claim(user), { at })),
    ),
  )
  await Promise.all(users.map((user, i) => site.counted(user, i + 1, DeviceClaimed)))
  const condition = {
    type: 'count' as const,
    event: DeviceClaimed.name,
    filters,
    window: { unit: 'all' as const },
  }

  const started = await site.call<Preview>(site.admin, 'POST', '/previews', { rule: ruleOf(condition, 2, 4) })
  expect(started.status).toBe(201)
  const preview = await vi.waitFor(async () => {
    const { body } = await site.call<Preview>(site.admin, 'GET', `/previews/${started.body.id}`)
    expect(body.state).toBe('done')
    return body.result
  }, patience)
  expect(preview).toMatchObject({
    is_complete: true,
    tiers: [
      { tier: 'bronze', users: 3 },
      { tier: 'silver', users: 1 },
    ],
  })
  expect(preview.sample).toHaveLength(3)
  expect(preview.timeline).toEqual([{ day: addDays(at.slice(0, 10), 1), reached: 4 }])

  const achievement = await site.make(ruleOf(condition, 2, 4))
  expect(achievement.version).toBe(1)
  const tiersOf = (id: string) =>
    Promise.all(users.map(async user => unlockedTiers(await site.progressOf(user, id))))
  expect(await tiersOf(achievement.id)).toEqual([[], ['bronze'], ['bronze'], ['bronze', 'silver']])

  // What comes after it goes on from there.
  const [first] = users
  if (!first) throw new Error('no user')
  await deliver(site.app, DeviceClaimed, claim(first))
  await vi.waitFor(async () => expect((await tiersOf(achievement.id))[0]).toEqual(['bronze']), patience)

  const renamed = await site.call<Definition>(site.admin, 'PATCH', `/definitions/${achievement.id}`, {
    icon: '🎯',
  })
  expect(renamed.body).toMatchObject({ version: 1, icon: '🎯' })
  await site.call(site.admin, 'PATCH', `/definitions/${achievement.id}`, { rule: ruleOf(condition, 3, 50) })
  expect(await site.settled(achievement.id)).toMatchObject({ version: 2, replay: { state: 'done' } })
  expect(await tiersOf(achievement.id)).toEqual([['bronze'], ['bronze'], ['bronze'], ['bronze', 'silver']])
  expect((await site.progressOf(first, achievement.id)).conditions).toMatchObject([{ value: 2 }])

  // While it is off nothing is counted; afterwards all of it is.
  await site.call(site.admin, 'PATCH', `/definitions/${achievement.id}`, { is_enabled: false })
  await deliver(site.app, DeviceClaimed, claim(first))
  await site.counted(first, 3, DeviceClaimed)
  await site.call(site.admin, 'PATCH', `/definitions/${achievement.id}`, { is_enabled: true })
  await site.settled(achievement.id)
  expect((await site.progressOf(first, achievement.id)).conditions).toMatchObject([{ value: 3 }])
  expect(
    (await site.call<{ code: string }>(site.admin, 'DELETE', `/definitions/${achievement.id}`)).body.code,
  ).toBe('achievement.in_use')
})

test('hidden ones show nothing of themselves', async () => {
  const user = await signUp(site.app)
  const hidden = await site.make(counting(DeviceClaimed.name, 1), { is_hidden: true })
  expect(await site.progressOf(user, hidden.id)).toMatchObject({
    is_secret: true,
    name: null,
    description: null,
    icon: null,
    conditions: [],
    tiers: [],
  })
  await deliver(site.app, DeviceClaimed, { device_id: newId(), user_id: user.user.id, type_id: newId() })
  await vi.waitFor(
    async () =>
      expect(await site.progressOf(user, hidden.id)).toMatchObject({
        is_secret: false,
        name: 'Test',
        icon: '🧪',
      }),
    patience,
  )
})

test('a rule that cannot work is refused with what is wrong', async () => {
  const wrong: Rule = {
    match: 'all',
    conditions: [
      {
        type: 'sum',
        event: 'chat.message.posted',
        field: 'conversation_id',
        filters: [{ field: 'mood', op: 'is', values: ['good'] }],
        window: { unit: 'rolling' },
      },
      { type: 'count', event: 'no.such.event', filters: [], window: { unit: 'day', days: 3 } },
    ],
    tiers: [
      { tier: 'bronze', goals: [10, 5], points: 1, rewards: { membership: null } },
      { tier: 'bronze', goals: [5], points: 1, rewards: { membership: null } },
    ],
  }
  const refused = await site.call<{ errors: { pointer: string }[] }>(site.admin, 'POST', '/previews', {
    rule: wrong,
  })
  expect(refused.status).toBe(422)
  expect(refused.body.errors.map(({ pointer }) => pointer)).toEqual([
    '/rule/conditions/0/field',
    '/rule/conditions/0/filters/0/field',
    '/rule/conditions/0/window/days',
    '/rule/conditions/1/event',
    '/rule/tiers/1/tier',
    '/rule/tiers/1/goals',
  ])
})

test('an achievement that another one needs cannot be deleted before that one', async () => {
  const needed = await site.make(counting(DeviceClaimed.name, 1_000_000))
  const needing = await site.make(
    ruleOf({ type: 'prerequisite', achievement_id: needed.id, tier: 'bronze' }, 1),
  )
  const remove = (id: string) => site.call<{ code: string }>(site.admin, 'DELETE', `/definitions/${id}`)
  expect(await remove(needed.id)).toMatchObject({ status: 409, body: { code: 'achievement.in_use' } })
  expect((await remove(needing.id)).status).toBe(204)
  expect((await remove(needed.id)).status).toBe(204)
})

test('days are promised only of a plan that can be given', async () => {
  const promising = (plan: string): Rule => {
    const rule = counting(DeviceClaimed.name, 1_000_000)
    return {
      ...rule,
      tiers: rule.tiers.map(tier => ({ ...tier, rewards: { membership: { plan, days: 3 } } })),
    }
  }
  for (const plan of ['free', 'none'])
    expect(await site.call(site.admin, 'POST', '/definitions', definitionOf(promising(plan)))).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/rule/tiers/0/rewards/membership/plan' }] },
    })
  const silver = { names: { 'zh-CN': '白银', en: 'Silver' }, entitlements: {} }
  const savePlan = (is_retired: boolean) =>
    site.app.fetch('/api/v1/billing/plans/silver', {
      method: 'PUT',
      headers: { ...site.admin.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ ...silver, is_retired }),
    })
  await savePlan(false)
  const { id } = await site.make(promising('silver'))
  await savePlan(true)
  const [tier] = promising('silver').tiers
  const changed = { ...promising('silver'), tiers: [{ ...tier, points: 5 }] }
  const kept = await site.call<Definition>(site.admin, 'PATCH', `/definitions/${id}`, { rule: changed })
  expect(kept.body.version).toBe(2)
})

test('a long history is counted without keeping its user’s events waiting, and none of them twice', async () => {
  const user = await signUp(site.app)
  // Whoever has facts is known as a user: the first fact, of the sign-up, sees to that, the planted ones do not.
  await site.counted(user, 1)
  const type_id = newId()
  const planted = 11_000
  await sql`
    INSERT INTO achievements_fact (id, user_id, event, occurred_at, day, fields)
    SELECT gen_random_uuid(), ${user.user.id}, ${DeviceClaimed.name}, at, at::date,
      jsonb_build_object('type_id', ${type_id}::text, 'device_id', n % 7)
    FROM generate_series(1, ${planted}::integer) AS n,
      LATERAL (SELECT date_trunc('month', now()) + n * interval '1 millisecond') AS at (at)`.execute(site.db)
  const filters = [{ field: 'type_id', op: 'is' as const, values: [type_id] }]
  const count = {
    type: 'count' as const,
    event: DeviceClaimed.name,
    filters,
    window: { unit: 'all' as const },
  }
  const rule: Rule = {
    match: 'all',
    conditions: [
      count,
      { type: 'distinct', event: DeviceClaimed.name, field: 'device_id', filters, window: { unit: 'all' } },
    ],
    tiers: [
      { tier: 'bronze', goals: [planted, 7], points: 1, rewards: { membership: null } },
      { tier: 'silver', goals: [planted + 1_000, 8], points: 1, rewards: { membership: null } },
    ],
  }
  const making = site.make(rule)
  // While it is counted, events arrive: of now, and of times that are counted already.
  const claim = () => ({ device_id: newId(), user_id: user.user.id, type_id })
  for (let i = 0; i < 5; i++) {
    await deliver(site.app, DeviceClaimed, claim())
    await deliver(site.app, DeviceClaimed, claim(), { at: new Date(Date.now() - 3_600_000).toISOString() })
  }
  const { id } = await making
  await site.counted(user, planted + 10, DeviceClaimed)
  await vi.waitFor(
    async () =>
      expect((await site.progressOf(user, id)).conditions).toMatchObject([
        { value: planted + 10 },
        { value: 17 },
      ]),
    patience,
  )
  expect(unlockedTiers(await site.progressOf(user, id))).toEqual(['bronze'])
})
