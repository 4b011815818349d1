import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createCache } from '#core/cache/cache.ts'
import type { Executor } from '#core/db/db.ts'
import { consumer, createEvents } from '#core/events/events.ts'
import { migration as eventsMigration } from '#core/events/migrations/0001_events.ts'
import { newId } from '#core/ids.ts'
import { migration as jobsMigration } from '#core/jobs/migrations/0001_jobs.ts'
import { startProcess, type TestProcess } from '#core/jobs/testing/harness.ts'
import { silentLog } from '#core/log.ts'
import { createTestDb } from '#core/testing/database.ts'
import { SubscriptionChanged } from './contract.ts'
import { migration } from './migrations/0001_billing.ts'
import { migration as retiredPlans } from './migrations/0002_retired_plans.ts'
import { migration as daysTakenBack } from './migrations/0003_days_taken_back.ts'
import { type BillingService, createBillingService } from './service.ts'
import type { BillingTables } from './tables.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
let process: TestProcess
let billing: BillingService
let time = Date.parse('2026-11-21T00:00:00Z')
const clock = { now: () => time }

beforeAll(async () => {
  database = await createTestDb([
    { module: 'core', migrations: [jobsMigration, eventsMigration] },
    { module: 'billing', migrations: [migration, retiredPlans, daysTakenBack] },
  ])
  process = await startProcess(database.url)
  await sql`CREATE TABLE test_vip (id uuid PRIMARY KEY)`.execute(process.db.primary)
  const { db, jobs } = process
  const events = createEvents({ db, jobs, clock, log: silentLog, concurrency: 1 })
  // Nobody runs it, so that what was published can be counted.
  events.subscribe([
    consumer({ name: 'test.watch_subscriptions', event: SubscriptionChanged, handle: async () => undefined }),
  ])
  billing = createBillingService({
    db: process.db.withTables<BillingTables>(),
    cache: createCache({ log: silentLog, clock }),
    clock,
    events,
    people: {
      async find(ids) {
        const { rows } = await sql<{
          id: string
        }>`SELECT id FROM test_vip WHERE id = ANY(${ids}::uuid[])`.execute(process.db.primary)
        const vips = new Set(rows.map(row => row.id))
        const anyone = { username: 'anyone', display_name: 'Anyone', avatar_url: null }
        return new Map(ids.map(id => [id, { ...anyone, time_zone: 'Europe/Berlin', is_vip: vips.has(id) }]))
      },
      isVip,
      setVip,
      async marked(afterId, limit) {
        const { rows } = await sql<{ id: string }>`
          SELECT id FROM test_vip WHERE ${afterId}::uuid IS NULL OR id > ${afterId}::uuid
          ORDER BY id LIMIT ${limit}`.execute(process.db.primary)
        return rows.map(row => row.id)
      },
    },
    defaultTimeZone: 'Asia/Shanghai',
  })
  billing.declare('test.rooms', { free: 1, vip: 10, gold: null })
  billing.declare('test.export', { free: false, vip: true })
})
beforeEach(() => {
  time = Date.parse('2026-11-21T00:00:00Z')
})
afterAll(async () => {
  await process.stop(0)
  await database.drop()
})

/** Identity's part, as far as billing needs it. */
async function setVip(db: Executor, id: string, isVip: boolean): Promise<void> {
  if (isVip) await sql`INSERT INTO test_vip VALUES (${id}) ON CONFLICT DO NOTHING`.execute(db)
  else await sql`DELETE FROM test_vip WHERE id = ${id}`.execute(db)
}

const isMarkedVip = (id: string) => isVip(process.db.primary, id)

async function isVip(db: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`SELECT id FROM test_vip WHERE id = ${id}`.execute(db)
  return rows.length === 1
}

const days = (count: number) =>
  new Date(Date.parse('2026-11-21T00:00:00Z') + count * 86_400_000).toISOString()

async function published(userId: string): Promise<unknown[]> {
  const { rows } = await sql<{ payload: unknown }>`
    SELECT payload FROM core_event_delivery WHERE consumer = 'test.watch_subscriptions'
      AND payload->>'user_id' = ${userId} ORDER BY id`.execute(process.db.primary)
  return rows.map(row => row.payload)
}

test('everyone is on the free plan, and those marked as VIP on theirs', async () => {
  const [plain, vip] = [newId(), newId()]
  await setVip(process.db.primary, vip, true)
  expect(await billing.planOf([plain, vip])).toEqual(
    new Map([
      [plain, 'free'],
      [vip, 'vip'],
    ]),
  )
  expect(await billing.planOf([])).toEqual(new Map())
  expect(await billing.entitlement(plain, 'test.rooms')).toBe(1)
  expect(await billing.entitlement(vip, 'test.rooms')).toBe(10)
  expect(await billing.entitlement(vip, 'test.export')).toBe(true)
  await expect(billing.entitlement(plain, 'test.unheard_of')).rejects.toThrow('declared')
})

test('entitlements become limits in the user’s time zone', async () => {
  const limits = await billing.limitsFor(newId())
  expect(limits).toContainEqual({ metric: 'requests', period: 'day', max: 200, time_zone: 'Europe/Berlin' })
  expect(limits).toContainEqual({
    metric: 'tokens',
    period: 'month',
    max: 10_000_000,
    time_zone: 'Europe/Berlin',
  })
  expect(limits.some(limit => limit.metric === 'cost_micros')).toBe(false)
})

test('overrides go before the plan, and the plan before what was declared', async () => {
  const user = newId()
  await billing.savePlan({
    id: 'gold',
    names: { 'zh-CN': '黄金', en: 'Gold' },
    entitlements: { 'ai.requests_per_day': 7 },
  })
  await billing.setUser(user, { plan: 'gold', until: null, overrides: { 'ai.tokens_per_day': null } })
  expect(await billing.entitlement(user, 'ai.requests_per_day')).toBe(7)
  expect(await billing.entitlement(user, 'ai.tokens_per_day')).toBeNull()
  expect(await billing.entitlement(user, 'ai.requests_per_month')).toBe(3000)
  expect(await billing.entitlement(user, 'test.rooms')).toBeNull()
  await billing.savePlan({
    id: 'gold',
    names: { 'zh-CN': '黄金', en: 'Gold' },
    entitlements: { 'ai.requests_per_day': 8 },
  })
  expect(await billing.entitlement(user, 'ai.requests_per_day')).toBe(8)
})

test('refuses entitlements that nobody knows or that are of another type', async () => {
  const names = { 'zh-CN': '坏', en: 'Bad' }
  expect(() => billing.declare('test.rooms', { free: 1 })).toThrow('twice')
  await expect(
    billing.savePlan({ id: 'bad', names, entitlements: { 'test.roms': 1 } }),
  ).rejects.toMatchObject({
    code: 'entitlement.unknown',
  })
  await expect(
    billing.savePlan({ id: 'bad', names, entitlements: { 'test.rooms': true } }),
  ).rejects.toMatchObject({
    code: 'entitlement.wrong_type',
  })
  await expect(billing.setUser(newId(), { plan: 'none', until: null, overrides: {} })).rejects.toMatchObject({
    code: 'plan.not_found',
  })
  await expect(
    billing.setUser(newId(), { plan: 'vip', until: days(-1), overrides: {} }),
  ).rejects.toMatchObject({ code: 'subscription.end_in_past' })
})

test('days add up, from now or from the end of what is given already', async () => {
  const user = newId()
  expect(await billing.grantDays(user, 'vip', 30, { reason: 'card', key: 'a' })).toEqual({
    plan: 'vip',
    until: days(30),
  })
  expect(await billing.grantDays(user, 'vip', 7, { reason: 'card', key: 'b' })).toEqual({
    plan: 'vip',
    until: days(37),
  })
  expect(await billing.grantDays(user, 'vip', 30, { reason: 'card', key: 'a' })).toEqual({
    plan: 'vip',
    until: days(30),
  })
  expect(await billing.entitlement(user, 'test.rooms')).toBe(10)
  expect(await isMarkedVip(user)).toBe(true)
  expect(await published(user)).toEqual([
    { user_id: user, plan: 'vip', until: days(30) },
    { user_id: user, plan: 'vip', until: days(37) },
  ])

  time = Date.parse(days(37))
  expect(await isMarkedVip(user)).toBe(true)
  expect(await billing.entitlement(user, 'test.rooms')).toBe(1)
  expect(await billing.planOf([user])).toEqual(new Map([[user, 'free']]))
  expect(await billing.grantDays(user, 'vip', 1, { reason: 'card', key: 'c' })).toMatchObject({
    until: days(38),
  })
  const { grants } = await billing.ofUser(user)
  expect(grants.map(grant => grant.days)).toEqual([1, 7, 30])
})

test('another plan begins when the one before has ended', async () => {
  const user = newId()
  await billing.savePlan({
    id: 'silver',
    names: { 'zh-CN': '白银', en: 'Silver' },
    entitlements: { 'test.rooms': 5 },
  })
  await billing.grantDays(user, 'vip', 10, { reason: 'card', key: 'a' })
  expect(await billing.grantDays(user, 'silver', 10, { reason: 'card', key: 'b' })).toMatchObject({
    until: days(20),
  })
  expect(await billing.ofUser(user)).toMatchObject({
    plan: 'vip',
    until: days(10),
    upcoming: [{ plan_id: 'silver' }],
  })
  expect(await billing.entitlement(user, 'test.rooms')).toBe(10)
  time = Date.parse(days(10))
  expect(await billing.entitlement(user, 'test.rooms')).toBe(5)
  expect(await billing.expire()).toBe(1)
  expect(await billing.expire()).toBe(0)
  expect(await isMarkedVip(user)).toBe(false)
  time = Date.parse(days(20))
  expect(await billing.entitlement(user, 'test.rooms')).toBe(1)
  await Promise.all([billing.expire(), billing.expire()])
  expect(await published(user)).toEqual([
    { user_id: user, plan: 'vip', until: days(10) },
    { user_id: user, plan: 'vip', until: days(10) },
    { user_id: user, plan: 'silver', until: days(20) },
    { user_id: user, plan: 'free', until: null },
  ])
})

test('a retired plan takes nobody new, and keeps what was promised', async () => {
  const bronze = { id: 'bronze', names: { 'zh-CN': '青铜', en: 'Bronze' }, entitlements: { 'test.rooms': 3 } }
  const [member, other] = [newId(), newId()]
  await billing.createPlan(bronze)
  await billing.setUser(member, { plan: 'bronze', until: null, overrides: {} })
  const retired = await billing.savePlan({ ...bronze, is_retired: true })
  expect(retired.retired_at).toBe(days(0))
  time = Date.parse(days(3))
  expect((await billing.savePlan({ ...bronze, is_retired: true })).retired_at).toBe(days(0))
  expect((await billing.plans()).map(plan => plan.id)).not.toContain('bronze')
  expect((await billing.allPlans()).map(plan => plan.id)).toContain('bronze')

  expect(await billing.entitlement(member, 'test.rooms')).toBe(3)
  const wanted = { plan: 'bronze', until: null, overrides: { 'test.rooms': 4 } }
  expect(await billing.setUser(member, wanted)).toMatchObject(wanted)
  await expect(billing.setUser(other, wanted)).rejects.toMatchObject({ code: 'plan.retired' })
  const promised = { reason: 'card', key: 'a' }
  expect(await billing.grantDays(other, 'bronze', 5, promised)).toMatchObject({ plan: 'bronze' })

  expect(await billing.savePlan(bronze)).toMatchObject({ retired_at: null })
  await expect(billing.savePlan({ ...bronze, id: 'free', is_retired: true })).rejects.toMatchObject({
    code: 'plan.indispensable',
  })
  await expect(billing.createPlan(bronze)).rejects.toMatchObject({ code: 'plan.exists' })
})

test('who is on a plan, page by page: by subscription, and by the mark', async () => {
  const names = { 'zh-CN': '白金', en: 'Platinum' }
  await billing.createPlan({ id: 'platinum', names, entitlements: {} })
  const subscribed = Array.from({ length: 5 }, newId)
  for (const id of subscribed) await billing.grantDays(id, 'platinum', 10, { reason: 'test', key: 'a' })
  const waiting = newId()
  await billing.grantDays(waiting, 'vip', 1, { reason: 'test', key: 'a' })
  await billing.grantDays(waiting, 'platinum', 10, { reason: 'test', key: 'b' })
  const everyone = async (plan: string) => {
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await billing.subscribers(plan, 2, cursor)
      found.push(...page.items.map(({ user_id }) => user_id))
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    return found
  }
  expect(await everyone('platinum')).toEqual(subscribed.toSorted())
  expect((await billing.subscribers('platinum', 1, undefined)).items).toMatchObject([{ until: days(10) }])

  const marked = newId()
  await setVip(process.db.primary, marked, true)
  const vips = await everyone('vip')
  expect(vips).toEqual(vips.toSorted())
  expect(vips).toEqual(expect.arrayContaining([marked, waiting]))
  time = Date.parse(days(1))
  expect(await everyone('platinum')).toContain(waiting)
  expect(await everyone('vip')).not.toContain(waiting)
  expect(await everyone('free')).toEqual([])
  await expect(billing.subscribers('none', 1, undefined)).rejects.toMatchObject({ code: 'plan.not_found' })
})

test('what is for ever cannot be made longer, and administrators can end it', async () => {
  const user = newId()
  await billing.setUser(user, { plan: 'vip', until: null, overrides: {} })
  expect(await billing.grantDays(user, 'vip', 5, { reason: 'card', key: 'a' })).toEqual({
    plan: 'vip',
    until: null,
  })
  expect(await billing.setUser(user, { plan: 'free', until: null, overrides: {} })).toMatchObject({
    plan: 'free',
    upcoming: [],
  })
  expect(await billing.entitlement(user, 'test.rooms')).toBe(1)
  await expect(billing.grantDays(user, 'free', 5, { reason: 'card', key: 'b' })).rejects.toMatchObject({
    code: 'plan.not_found',
  })
  // In the year 10000 of UTC.
  const far = { plan: 'vip', until: '9999-12-31T23:59:59-14:00', overrides: {} }
  await expect(billing.setUser(user, far)).rejects.toMatchObject({ code: 'subscription.end_too_far' })
})

test('days given to somebody marked as VIP neither end nor undo that', async () => {
  const user = newId()
  await setVip(process.db.primary, user, true)
  expect(await billing.grantDays(user, 'vip', 5, { reason: 'card', key: 'a' })).toEqual({
    plan: 'vip',
    until: null,
  })
  expect(await process.db.transaction(tx => billing.takeBackDays(user, 'a', { tx }))).toBeNull()
  time = Date.parse(days(6))
  await billing.expire()
  expect(await isMarkedVip(user)).toBe(true)
  expect(await billing.ofUser(user)).toMatchObject({ plan: 'vip', until: null, grants: [{ days: 5 }] })
})

test('days that are taken back end what they made longer, and what follows moves up', async () => {
  const user = newId()
  const give = (plan: string, count: number, key: string) =>
    billing.grantDays(user, plan, count, { reason: 'card', key })
  const takeBack = (key: string) => process.db.transaction(tx => billing.takeBackDays(user, key, { tx }))
  await give('vip', 30, 'a')
  await give('silver', 10, 'b')
  await give('vip', 5, 'c')
  time = Date.parse(days(4)) + 1000
  // Four days and a second are used up.
  expect(await takeBack('a')).toEqual({ plan: 'vip', days: 26 })
  expect(await takeBack('a')).toBeNull()
  expect(await takeBack('none')).toBeNull()
  await billing.forget(user)
  const { plan, until, upcoming, grants } = await billing.ofUser(user)
  expect({ plan, until }).toEqual({ plan: 'silver', until: '2026-12-05T00:00:01.000Z' })
  expect(upcoming).toMatchObject([{ plan_id: 'vip', from_at: until, until_at: '2026-12-10T00:00:01.000Z' }])
  expect(grants.map(grant => grant.taken_back_at !== null)).toEqual([false, false, true])
  expect(await published(user)).toContainEqual({ user_id: user, plan: 'silver', until })
  expect(await isMarkedVip(user)).toBe(false)

  await billing.setUser(user, { plan: 'silver', until: days(90), overrides: {} })
  expect(await takeBack('b')).toBeNull()
  expect(await billing.ofUser(user)).toMatchObject({ plan: 'silver', until: days(90) })
})

test('all of one’s days taken back at once leave the free plan, announced once', async () => {
  const user = newId()
  await billing.grantDays(user, 'vip', 30, { reason: 'card', key: 'a' })
  time += 5000
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => process.db.transaction(tx => billing.takeBackDays(user, 'a', { tx }))),
  )
  expect(answers.filter(answer => answer !== null)).toEqual([{ plan: 'vip', days: 30 }])
  await billing.forget(user)
  expect(await billing.entitlement(user, 'test.rooms')).toBe(1)
  expect(await billing.expire()).toBe(0)
  expect(await published(user)).toEqual([
    { user_id: user, plan: 'vip', until: days(30) },
    { user_id: user, plan: 'free', until: null },
  ])
})

test('an end that nobody has announced yet is announced when days are taken back', async () => {
  const user = newId()
  await billing.grantDays(user, 'vip', 3, { reason: 'card', key: 'a' })
  time = Date.parse(days(3)) + 1000
  expect(await process.db.transaction(tx => billing.takeBackDays(user, 'a', { tx }))).toBeNull()
  await billing.expire()
  expect(await isMarkedVip(user)).toBe(false)
  expect(await billing.ofUser(user)).toMatchObject({ plan: 'free', until: null })
  expect(await published(user)).toEqual([
    { user_id: user, plan: 'vip', until: days(3) },
    { user_id: user, plan: 'free', until: null },
  ])
})

test('days given onto what an administrator set meanwhile are taken back from it', async () => {
  const user = newId()
  await process.db.transaction(async tx => {
    // The transaction has begun, and waits for something else.
    await sql`SELECT now()`.execute(tx)
    await billing.setUser(user, { plan: 'vip', until: days(10), overrides: {} })
    await billing.grantDays(user, 'vip', 30, { reason: 'card', key: 'a', tx })
  })
  await billing.forget(user)
  expect(await billing.ofUser(user)).toMatchObject({ plan: 'vip', until: days(40) })
  expect(await process.db.transaction(tx => billing.takeBackDays(user, 'a', { tx }))).toEqual({
    plan: 'vip',
    days: 30,
  })
  await billing.forget(user)
  expect(await billing.ofUser(user)).toMatchObject({ plan: 'vip', until: days(10) })
})

test('parallel grants all count, and those of one key once', async () => {
  const user = newId()
  await Promise.all([
    ...Array.from({ length: 20 }, (_, n) =>
      billing.grantDays(user, 'vip', 3, { reason: 'card', key: `card ${n}` }),
    ),
    ...Array.from({ length: 20 }, () =>
      billing.grantDays(user, 'vip', 5, { reason: 'card', key: 'the same' }),
    ),
  ])
  expect(await billing.ofUser(user)).toMatchObject({ plan: 'vip', until: days(65) })
})

test('a grant of a transaction that fails was none', async () => {
  const user = newId()
  await expect(
    process.db.transaction(async tx => {
      await billing.grantDays(user, 'vip', 3, { reason: 'card', key: 'a', tx })
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  expect(await billing.ofUser(user)).toMatchObject({ plan: 'free', grants: [] })
  expect(await published(user)).toEqual([])
})

test('periods never overlap, and no day is lost, whatever is granted when', async () => {
  const step = fc.record({
    plan: fc.constantFrom('vip', 'silver'),
    days: fc.integer({ min: 1, max: 40 }),
    wait: fc.integer({ min: 0, max: 20 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async steps => {
      const user = newId()
      time = Date.parse(days(0))
      let end = 0
      for (const [n, { plan, days: given, wait }] of steps.entries()) {
        time += wait * 86_400_000
        end = Math.max(end, (time - Date.parse(days(0))) / 86_400_000) + given
        const granted = await billing.grantDays(user, plan, given, { reason: 'test', key: String(n) })
        expect(granted.until).toBe(days(end))
      }
      const { rows } = await sql`
        SELECT 1 FROM billing_subscription a JOIN billing_subscription b USING (user_id)
        WHERE user_id = ${user} AND a.id < b.id AND a.from_at < b.until_at AND b.from_at < a.until_at`.execute(
        process.db.primary,
      )
      expect(rows).toEqual([])
    }),
    { numRuns: 15 },
  )
})
