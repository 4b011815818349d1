import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { CardRedeemed, RedemptionUndone } from '#modules/cards/contract.ts'
import { MessagePosted } from '#modules/chat/contract.ts'
import { DeviceClaimed } from '#modules/devices/contract.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { achievementsKey, type Definition, type Progress } from './contract.ts'
import type { DefinitionInput } from './definitions.ts'
import type { AchievementNews } from './live.ts'
import type { Preview } from './previews.ts'
import type { Rule } from './rule.ts'
import type { AchievementsTables } from './tables.ts'
import { counting, definitionOf, deliver, ruleOf } from './testing.ts'

let app: TestApp
let admin: TestUser
const patience = { timeout: 30_000, interval: 50 }

beforeAll(async () => {
  app = await startTestApp()
  admin = await signInAdmin(app)
})
afterAll(() => app.stop())

async function call<T>(who: TestUser, method: string, path: string, body?: object) {
  const response = await app.fetch(`/api/v1/achievements${path}`, {
    method,
    headers: { ...who.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T }
}

async function make(rule: Rule, more: Partial<DefinitionInput> = {}): Promise<Definition> {
  const made = await call<Definition>(admin, 'POST', '/definitions', definitionOf(rule, more))
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return settled(made.body.id)
}

/** Waits until history has been counted. */
async function settled(id: string): Promise<Definition> {
  return vi.waitFor(async () => {
    const { body } = await call<Definition>(admin, 'GET', `/definitions/${id}`)
    expect(body.replay.state).toBe('done')
    return body
  }, patience)
}

async function progressOf(user: TestUser, id: string): Promise<Progress> {
  const { body } = await call<{ items: Progress[] }>(user, 'GET', '/progress')
  const found = body.items.find(item => item.achievement_id === id)
  if (!found) throw new Error('The achievement is not shown')
  return found
}

const unlockedTiers = (progress: Progress) =>
  progress.tiers.filter(tier => tier.unlocked_at !== null).map(tier => tier.tier)

const posted = ({ user }: TestUser) => ({
  message_id: newId(),
  conversation_id: newId(),
  user_id: user.id,
})
const redeemed = ({ user }: TestUser, more: Partial<ReturnType<typeof baseCard>> = {}) => ({
  ...baseCard(),
  user_id: user.id,
  ...more,
})
const baseCard = () => ({
  redemption_id: newId(),
  batch_id: newId(),
  template_id: newId(),
  template_version: 1,
  category: 'dance',
  rarity: 'common' as 'common' | 'legendary',
})

const db = () => app.core.db.withTables<AchievementsTables>().primary
const factsOf = async (user: TestUser) =>
  (await db().selectFrom('achievements_fact').select('id').where('user_id', '=', user.user.id).execute())
    .length

const counted = (user: TestUser, count: number) =>
  vi.waitFor(async () => expect(await factsOf(user)).toBe(count), patience)

test('what happens is counted exactly once, however often, late and in parallel it is told', async () => {
  const achievement = await make(counting(MessagePosted.name, 20, 21))
  const user = await signUp(app)
  const ids = Array.from({ length: 20 }, newId)
  await Promise.all([...ids, ...ids, ...ids].map(id => deliver(app, MessagePosted, posted(user), { id })))
  await vi.waitFor(
    async () => expect(unlockedTiers(await progressOf(user, achievement.id))).toEqual(['bronze']),
    patience,
  )
  const { conditions, tiers } = await progressOf(user, achievement.id)
  expect(conditions).toMatchObject([{ value: 20 }])
  expect(tiers).toMatchObject([{ fraction: 1 }, { fraction: 20 / 21, unlocked_at: null }])
  // Created, and 20 messages, and what the messages unlocked.
  await vi.waitFor(async () => expect(await factsOf(user)).toBeGreaterThanOrEqual(22), patience)
})

test('an unlocking is told at once, and brings points and days of a plan once', async () => {
  const rule = counting(DeviceClaimed.name, 1)
  const [tier] = rule.tiers
  if (tier) tier.rewards = { membership: { plan: 'vip', days: 3 } }
  const achievement = await make(rule, { names: { 'zh-CN': '新朋友', en: 'A friend' } })
  const user = await signUp(app)
  const news: AchievementNews[] = []
  await app.core.realtime.subscribe(`achievements.user.${user.user.id}`, {}, message =>
    news.push(message.data as AchievementNews),
  )
  const claim = { device_id: newId(), user_id: user.user.id, type_id: newId() }
  const id = newId()
  await Promise.all([1, 2, 3].map(() => deliver(app, DeviceClaimed, claim, { id })))
  await vi.waitFor(
    () =>
      expect(news.filter(({ achievement_id }) => achievement_id === achievement.id)).toMatchObject([
        { type: 'achievement.unlocked', tier: 'bronze', names: { en: 'A friend' }, icon: '🧪', points: 10 },
      ]),
    patience,
  )
  const me = await app.fetch('/api/v1/billing/me', { headers: user.headers }).then(r => r.json())
  expect(JSON.stringify(me)).toContain('vip')
  const told = await app.fetch('/api/v1/notifications', { headers: user.headers }).then(r => r.json())
  expect(JSON.stringify(told)).toContain('Achievement unlocked: A friend')
  const points = await app.app.use(achievementsKey).pointsOf([user.user.id])
  expect(points.get(user.user.id)).toBeGreaterThanOrEqual(10)
})

test('streaks grow from whatever side the days come', async () => {
  const achievement = await make(
    ruleOf({ type: 'streak', event: MessagePosted.name, filters: [], per_day: 1 }, 5),
  )
  const user = await signUp(app, { time_zone: 'America/New_York' })
  const now = Date.now()
  const day = (daysAgo: number) => new Date(now - daysAgo * 86_400_000).toISOString()
  // The middle day comes last: only it joins both halves, and more than a month late.
  for (const daysAgo of [44, 40, 43, 41])
    await deliver(app, MessagePosted, posted(user), { at: day(daysAgo) })
  await vi.waitFor(async () => expect(await factsOf(user)).toBeGreaterThanOrEqual(6), patience)
  expect(unlockedTiers(await progressOf(user, achievement.id))).toEqual([])
  await deliver(app, MessagePosted, posted(user), { at: day(42) })
  await vi.waitFor(
    async () => expect(unlockedTiers(await progressOf(user, achievement.id))).toEqual(['bronze']),
    patience,
  )
})

test('an undone redemption counts no more, whichever of the two comes first; what is unlocked stays', async () => {
  const category = `set-${newId().slice(-6)}`
  const filters = [{ field: 'category', op: 'is' as const, values: [category] }]
  const achievement = await make(
    ruleOf(
      { type: 'distinct', event: CardRedeemed.name, field: 'template_id', filters, window: { unit: 'all' } },
      1,
      3,
    ),
  )
  const user = await signUp(app)
  const [one, two] = [redeemed(user, { category }), redeemed(user, { category })]
  const undo = ({ redemption_id, template_id }: typeof one) => ({
    redemption_id,
    user_id: user.user.id,
    template_id,
    category,
  })
  await deliver(app, RedemptionUndone, undo(two))
  await counted(user, 2)
  await deliver(app, CardRedeemed, one)
  await deliver(app, CardRedeemed, two)
  await vi.waitFor(
    async () => expect(unlockedTiers(await progressOf(user, achievement.id))).toEqual(['bronze']),
    patience,
  )
  await vi.waitFor(
    async () => expect((await progressOf(user, achievement.id)).conditions).toMatchObject([{ value: 1 }]),
    patience,
  )
  await deliver(app, RedemptionUndone, undo(one))
  await vi.waitFor(
    async () => expect((await progressOf(user, achievement.id)).conditions).toMatchObject([{ value: 0 }]),
    patience,
  )
  expect(unlockedTiers(await progressOf(user, achievement.id))).toEqual(['bronze'])
})

test('of the first three, there are three', async () => {
  const type_id = newId()
  const filters = [{ field: 'type_id', op: 'is' as const, values: [type_id] }]
  const achievement = await make(ruleOf({ type: 'first', event: DeviceClaimed.name, filters }, 3))
  const users = await Promise.all(Array.from({ length: 12 }, () => signUp(app)))
  await Promise.all(
    users.map(({ user }) => deliver(app, DeviceClaimed, { device_id: newId(), user_id: user.id, type_id })),
  )
  const holders = async () =>
    (await call<Definition>(admin, 'GET', `/definitions/${achievement.id}`)).body.holders
  await vi.waitFor(async () => expect(await holders()).toEqual([{ tier: 'bronze', users: 3 }]), patience)
  await Promise.all(
    users.map(user => vi.waitFor(async () => expect(await factsOf(user)).toBeGreaterThan(1), patience)),
  )
  expect(await holders()).toEqual([{ tier: 'bronze', users: 3 }])
})

test('a new rule counts what happened before, a changed one is a new version, and nobody loses anything', async () => {
  const type_id = newId()
  const users = await Promise.all(Array.from({ length: 4 }, () => signUp(app)))
  const claim = ({ user }: TestUser) => ({ device_id: newId(), user_id: user.id, type_id })
  const filters = [{ field: 'type_id', op: 'is' as const, values: [type_id] }]
  await Promise.all(
    users.flatMap((user, i) => Array.from({ length: i + 1 }, () => deliver(app, DeviceClaimed, claim(user)))),
  )
  await Promise.all(
    users.map((user, i) =>
      vi.waitFor(async () => expect(await factsOf(user)).toBeGreaterThanOrEqual(i + 2), patience),
    ),
  )
  const condition = {
    type: 'count' as const,
    event: DeviceClaimed.name,
    filters,
    window: { unit: 'all' as const },
  }

  const started = await call<Preview>(admin, 'POST', '/previews', { rule: ruleOf(condition, 2, 4) })
  expect(started.status).toBe(201)
  const preview = await vi.waitFor(async () => {
    const { body } = await call<Preview>(admin, 'GET', `/previews/${started.body.id}`)
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
  expect(preview.timeline.reduce((sum, { reached }) => sum + reached, 0)).toBe(4)

  const achievement = await make(ruleOf(condition, 2, 4))
  expect(achievement.version).toBe(1)
  const tiersOf = (id: string) =>
    Promise.all(users.map(async user => unlockedTiers(await progressOf(user, id))))
  expect(await tiersOf(achievement.id)).toEqual([[], ['bronze'], ['bronze'], ['bronze', 'silver']])

  // What comes after it goes on from there.
  const [first] = users
  if (!first) throw new Error('no user')
  await deliver(app, DeviceClaimed, claim(first))
  await vi.waitFor(async () => expect((await tiersOf(achievement.id))[0]).toEqual(['bronze']), patience)

  const renamed = await call<Definition>(admin, 'PATCH', `/definitions/${achievement.id}`, { icon: '🎯' })
  expect(renamed.body).toMatchObject({ version: 1, icon: '🎯' })
  await call(admin, 'PATCH', `/definitions/${achievement.id}`, { rule: ruleOf(condition, 3, 50) })
  expect(await settled(achievement.id)).toMatchObject({ version: 2, replay: { state: 'done' } })
  expect(await tiersOf(achievement.id)).toEqual([['bronze'], ['bronze'], ['bronze'], ['bronze', 'silver']])
  expect((await progressOf(first, achievement.id)).conditions).toMatchObject([{ value: 2 }])

  // While it is off nothing is counted; afterwards all of it is.
  await call(admin, 'PATCH', `/definitions/${achievement.id}`, { is_enabled: false })
  const before = await factsOf(first)
  await deliver(app, DeviceClaimed, claim(first))
  await counted(first, before + 1)
  await call(admin, 'PATCH', `/definitions/${achievement.id}`, { is_enabled: true })
  await settled(achievement.id)
  expect((await progressOf(first, achievement.id)).conditions).toMatchObject([{ value: 3 }])
  expect((await call<{ code: string }>(admin, 'DELETE', `/definitions/${achievement.id}`)).body.code).toBe(
    'achievement.in_use',
  )
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
  const base = await make(claimOf(a))
  const rule: Rule = claimOf(b)
  rule.conditions.push({ type: 'prerequisite', achievement_id: base.id, tier: null })
  rule.tiers = rule.tiers.map(tier => ({ ...tier, goals: [1, 1] }))
  const next = await make(rule)
  const user = await signUp(app)
  const claim = (type_id: string) =>
    deliver(app, DeviceClaimed, { device_id: newId(), user_id: user.user.id, type_id })
  await claim(b)
  await vi.waitFor(
    async () => expect((await progressOf(user, next.id)).tiers).toMatchObject([{ fraction: 0.5 }]),
    patience,
  )
  await claim(a)
  await vi.waitFor(
    async () => expect(unlockedTiers(await progressOf(user, next.id))).toEqual(['bronze']),
    patience,
  )
  const circle = await call<{ code: string; errors: { pointer: string }[] }>(
    admin,
    'PATCH',
    `/definitions/${base.id}`,
    { rule: ruleOf({ type: 'prerequisite', achievement_id: next.id, tier: null }, 1) },
  )
  expect(circle).toMatchObject({ status: 422, body: { code: 'achievement.rule_invalid' } })
  expect(circle.body.errors).toMatchObject([{ pointer: '/rule/conditions/0/achievement_id' }])
})

test('hidden ones show nothing of themselves', async () => {
  const user = await signUp(app)
  const hidden = await make(counting(DeviceClaimed.name, 1), { is_hidden: true })
  expect(await progressOf(user, hidden.id)).toMatchObject({
    is_secret: true,
    name: null,
    description: null,
    icon: null,
    conditions: [],
    tiers: [],
  })
  await deliver(app, DeviceClaimed, { device_id: newId(), user_id: user.user.id, type_id: newId() })
  await vi.waitFor(
    async () =>
      expect(await progressOf(user, hidden.id)).toMatchObject({ is_secret: false, name: 'Test', icon: '🧪' }),
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
  const refused = await call<{ errors: { pointer: string }[] }>(admin, 'POST', '/previews', { rule: wrong })
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

test('the leaderboard shows who wants to be seen, equals with one rank, page by page', async () => {
  const users = await Promise.all(Array.from({ length: 5 }, () => signUp(app)))
  const points = [900_000, 800_000, 800_000, 800_000, 700_000]
  for (const [i, user] of users.entries()) {
    const listed = await call(user, 'PUT', '/leaderboard/listing', { is_listed: true })
    expect(listed.body).toMatchObject({ is_listed: true, rank: null })
    await db()
      .updateTable('achievements_user')
      .set({ points: points[i] ?? 0 })
      .where('user_id', '=', user.user.id)
      .execute()
  }
  type Board = {
    items: { rank: number; display_name: string; points: number; is_own: boolean }[]
    next_cursor: string | null
    own: { rank: number | null }
  }
  const last = users[4]
  if (!last) throw new Error('no user')
  const seen: Board['items'] = []
  let cursor = ''
  do {
    const { body } = await call<Board>(last, 'GET', `/leaderboard?limit=2${cursor}`)
    seen.push(...body.items)
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
    expect(body.own.rank).toBe(5)
  } while (cursor !== '')
  expect(seen.slice(0, 5).map(({ rank, points: has, is_own }) => [rank, has, is_own])).toEqual([
    [1, 900_000, false],
    [2, 800_000, false],
    [2, 800_000, false],
    [2, 800_000, false],
    [5, 700_000, true],
  ])
  expect(Object.keys(seen[0] ?? {}).sort()).toEqual(['display_name', 'is_own', 'points', 'rank'])
  await call(last, 'PUT', '/leaderboard/listing', { is_listed: false })
  const without = await call<Board>(last, 'GET', '/leaderboard?limit=100')
  expect(without.body.own.rank).toBeNull()
  expect(without.body.items.every(({ is_own }) => !is_own)).toBe(true)
})

test('every night unlocks are counted by day, and the leaderboard is rewarded', async () => {
  const top = await make(ruleOf({ type: 'top' }, 1_000))
  const user = await signUp(app)
  await call(user, 'PUT', '/leaderboard/listing', { is_listed: true })
  await deliver(app, MessagePosted, posted(user))
  await vi.waitFor(
    async () =>
      expect(
        (await call<{ own: { rank: number | null } }>(user, 'GET', '/leaderboard')).body.own.rank,
      ).not.toBeNull(),
    patience,
  )
  const yesterday = new Date(Date.now() - 86_400_000).toISOString()
  await db()
    .updateTable('achievements_unlock')
    .set({ created_at: yesterday })
    .where('user_id', '=', user.user.id)
    .execute()
  const nightly = {
    name: 'achievements.update_statistics',
    schema: z.object({}),
    attempts: 3,
    timeout_ms: 60_000,
    concurrency: null,
    run: () => Promise.reject(new Error('only its name is used')),
  }
  await app.core.jobs.add(app.core.db.primary, nightly, {})
  await vi.waitFor(
    async () => expect(unlockedTiers(await progressOf(user, top.id))).toEqual(['bronze']),
    patience,
  )
  const { body } = await call<{ items: { unlocked: number; users: number }[] }>(
    admin,
    'GET',
    '/statistics?days=2',
  )
  expect(body.items.some(({ unlocked, users }) => unlocked > 0 && users > 1)).toBe(true)
})

test('nothing of a deleted user is left, nor comes back with a late event', async () => {
  const user = await signUp(app)
  await deliver(app, MessagePosted, posted(user))
  await vi.waitFor(async () => expect(await factsOf(user)).toBeGreaterThanOrEqual(2), patience)
  await app.core.events.publish(app.core.db.primary, UserDeleted, { user_id: user.user.id })
  await counted(user, 0)
  const id = newId()
  await deliver(app, MessagePosted, posted(user), { id })
  const witness = await signUp(app)
  await deliver(app, MessagePosted, posted(witness))
  await vi.waitFor(async () => expect(await factsOf(witness)).toBeGreaterThanOrEqual(2), patience)
  await vi.waitFor(
    async () =>
      expect(
        await app.core.jobs.list({
          name: 'achievements.count_chat_message_posted',
          state: 'queued',
          limit: 1,
        }),
      ).toMatchObject({ items: [] }),
    patience,
  )
  for (const table of ['achievements_fact', 'achievements_tally', 'achievements_unlock'] as const)
    expect(await db().selectFrom(table).selectAll().where('user_id', '=', user.user.id).execute()).toEqual([])
})
