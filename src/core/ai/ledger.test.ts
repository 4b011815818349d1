import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '#core/errors.ts'
import { newId } from '#core/ids.ts'
import { silentLog } from '#core/log.ts'
import { createTestDb } from '#core/testing/database.ts'
import { createLedger, type Ledger, type ReserveInput, type SpendCap } from './ledger.ts'
import type { Limit } from './limits.ts'
import { migration } from './migrations/0001_ai.ts'
import type { Usage } from './types.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
let now = Date.now()
const clock = { now: () => now }
let cap: SpendCap = { day_micros: null, month_micros: null }
const ledgers: Ledger[] = []

beforeAll(async () => {
  database = await createTestDb([{ module: 'core', migrations: [migration] }])
})
afterAll(async () => {
  for (const ledger of ledgers) ledger.stop()
  await database.drop()
})

function openLedger(lease_ms?: number) {
  const ledger = createLedger({
    db: database.db,
    clock,
    log: silentLog,
    spendCap: async () => cap,
    ...(lease_ms === undefined ? {} : { lease_ms }),
  })
  ledgers.push(ledger)
  return ledger
}

const time_zone = 'Asia/Shanghai'
const limit = (metric: Limit['metric'], period: Limit['period'], max: number): Limit => ({
  metric,
  period,
  max,
  time_zone,
})
const call = (user_id: string, limits: Limit[] = [], tokens = 10, cost_micros = 0): ReserveInput => ({
  user_id,
  feature: 'test',
  model: 'm',
  provider_id: 'p',
  estimate: { tokens, cost_micros },
  limits,
})
const usage = (prompt_tokens: number, completion_tokens: number): Usage => ({
  prompt_tokens,
  completion_tokens,
  source: 'upstream',
})
const codeOf = (error: unknown) => (error instanceof AppError ? error.code : error)
const all = (max: number): Limit[] => [
  limit('requests', 'day', max),
  limit('tokens', 'day', max),
  limit('cost_micros', 'day', max),
  limit('requests', 'month', max),
  limit('tokens', 'month', max),
  limit('cost_micros', 'month', max),
]
const amounts = async (ledger: Ledger, user: string) =>
  (await ledger.quota(user, all(1_000_000))).map(({ used, held }) => [used, held])

test('of 500 calls at once against a limit of 100 exactly 100 get in, from two processes', async () => {
  const [a, b] = [openLedger(), openLedger()]
  const user = newId()
  const limits = [limit('requests', 'day', 100), limit('requests', 'month', 1000)]
  const results = await Promise.allSettled(
    Array.from({ length: 500 }, (_, i) => (i % 2 ? a : b).reserve(call(user, limits))),
  )
  const reserved = results.filter(result => result.status === 'fulfilled').map(result => result.value)
  const codes = results.filter(result => result.status === 'rejected').map(result => codeOf(result.reason))
  expect(reserved).toHaveLength(100)
  expect(new Set(codes)).toEqual(new Set(['quota.exceeded']))
  await Promise.all(
    reserved.map(reservation => a.settle(reservation, { usage: usage(3, 4), cost_micros: 0 })),
  )
  expect(await amounts(a, user)).toEqual([
    [100, 0],
    [700, 0],
    [0, 0],
    [100, 0],
    [700, 0],
    [0, 0],
  ])
})

test('a refusal says which limit, how much is left and when it starts anew', async () => {
  now = Date.UTC(2026, 10, 21, 2)
  const ledger = openLedger()
  const user = newId()
  const limits = [limit('tokens', 'day', 25), limit('requests', 'month', 10)]
  await ledger.reserve(call(user, limits, 20))
  const error = await ledger.reserve(call(user, limits, 20)).catch(e => e)
  expect(error).toMatchObject({
    code: 'quota.exceeded',
    status: 429,
    details: { metric: 'tokens', period: 'day', remaining: 5, resets_at: '2026-11-21T16:00:00.000Z' },
    retryAfter: 14 * 3600,
  })
  expect(await ledger.quota(user, limits)).toEqual([
    { ...limitState('tokens', 'day', 25), held: 20, remaining: 5, resets_at: '2026-11-21T16:00:00.000Z' },
    { ...limitState('requests', 'month', 10), held: 1, remaining: 9, resets_at: '2026-11-30T16:00:00.000Z' },
  ])
})
const limitState = (metric: string, period: string, max: number) => ({ metric, period, max, used: 0 })

test('the day begins anew at the user’s midnight, the month goes on, and a call is booked where it began', async () => {
  now = Date.UTC(2026, 10, 21, 15, 59, 59)
  const ledger = openLedger()
  const user = newId()
  const limits = [limit('requests', 'day', 1), limit('requests', 'month', 2)]
  const late = await ledger.reserve(call(user, limits))
  await expect(ledger.reserve(call(user, limits))).rejects.toMatchObject({ code: 'quota.exceeded' })
  now += 1000
  await ledger.reserve(call(user, limits))
  await ledger.settle(late, { usage: usage(5, 5), cost_micros: 0 })
  expect(await ledger.quota(user, limits)).toMatchObject([
    { used: 0, held: 1 },
    { used: 1, held: 1 },
  ])
})

test('a call ends once: later settlements and releases change nothing', async () => {
  const ledger = openLedger()
  const user = newId()
  const settled = await ledger.reserve(call(user, [], 100, 500))
  const ends = await Promise.all([
    ...Array.from({ length: 5 }, () => ledger.settle(settled, { usage: usage(30, 12), cost_micros: 77 })),
  ])
  expect(ends.filter(Boolean)).toHaveLength(1)
  expect(await ledger.release(settled)).toBe(false)
  const released = await ledger.reserve(call(user))
  expect(await ledger.release(released)).toBe(true)
  expect(await ledger.settle(released, { usage: usage(9, 9), cost_micros: 9 })).toBe(false)
  expect(await amounts(ledger, user)).toEqual([
    [1, 0],
    [42, 0],
    [77, 0],
    [1, 0],
    [42, 0],
    [77, 0],
  ])
})

test('a lease that ran out gives the hold back once, and a late settlement still books its usage', async () => {
  const dead = openLedger(0)
  const ledger = openLedger()
  const user = newId()
  const lost = await dead.reserve(call(user, [], 100, 500))
  const alive = await ledger.reserve(call(user, [], 7))
  const counts = await Promise.all([ledger.expire(), ledger.expire(), ledger.expire()])
  expect(counts.reduce((sum, count) => sum + count)).toBe(1)
  expect((await amounts(ledger, user)).slice(0, 2)).toEqual([
    [0, 1],
    [0, 7],
  ])
  expect(await dead.release(lost)).toBe(false)
  expect(await dead.settle(lost, { usage: usage(30, 12), cost_micros: 77 })).toBe(true)
  expect(await dead.settle(lost, { usage: usage(30, 12), cost_micros: 77 })).toBe(false)
  await ledger.release(alive)
  expect((await amounts(ledger, user)).slice(0, 3)).toEqual([
    [1, 0],
    [42, 0],
    [77, 0],
  ])
})

test('a running call renews its lease', async () => {
  const ledger = openLedger(300)
  const reservation = await ledger.reserve(call(newId()))
  const lease = async () => {
    const { rows } = await sql<{ lease_until: string }>`
      SELECT lease_until FROM ai_ledger WHERE id = ${reservation.id}`.execute(database.db.primary)
    return rows[0]?.lease_until ?? ''
  }
  const first = await lease()
  await expect.poll(lease, { timeout: 20_000 }).not.toBe(first)
  expect(await ledger.release(reservation)).toBe(true)
})

test('the spend cap holds for all users together, whatever they do at once', async () => {
  now = Date.UTC(2027, 0, 15)
  cap = { day_micros: 1000, month_micros: null }
  const ledger = openLedger()
  const results = await Promise.allSettled(
    Array.from({ length: 60 }, () => ledger.reserve(call(newId(), [], 1, 100))),
  )
  const reserved = results.filter(result => result.status === 'fulfilled').map(result => result.value)
  expect(reserved).toHaveLength(10)
  expect(results.find(result => result.status === 'rejected')?.reason).toMatchObject({
    code: 'quota.spend_cap_reached',
    status: 503,
    details: { period: 'day', resets_at: '2027-01-15T16:00:00.000Z' },
  })
  await ledger.reserve(call(newId(), [], 1, 0)).then(free => ledger.release(free))
  for (const reservation of reserved)
    await ledger.settle(reservation, { usage: usage(1, 0), cost_micros: 40 })
  expect(await ledger.spend()).toEqual({ day_micros: 400, month_micros: 400 })
  now += 24 * 3_600_000
  cap = { day_micros: 1000, month_micros: 700 }
  await ledger.reserve(call(newId(), [], 1, 300))
  await expect(ledger.reserve(call(newId(), [], 1, 1))).rejects.toMatchObject({
    details: { period: 'month' },
  })
  cap = { day_micros: null, month_micros: null }
})

test('usage is summed by day, model and user, from settled calls only', async () => {
  const ledger = openLedger()
  const user = newId()
  const from = new Date(Date.now() - 60_000).toISOString()
  for (const [model, cost] of [
    ['cheap-x', 5],
    ['dear-x', 50],
    ['cheap-x', 6],
  ] as const) {
    const reservation = await ledger.reserve({ ...call(user), model })
    await ledger.settle(reservation, { usage: { ...usage(10, 1), cached_tokens: 4 }, cost_micros: cost })
  }
  await ledger.release(await ledger.reserve({ ...call(user), model: 'none-x' }))
  const to = new Date(Date.now() + 60_000).toISOString()
  const models = (await ledger.usage(newId(), { from, to, group_by: 'model' })).filter(row =>
    row.key.endsWith('-x'),
  )
  expect(models).toEqual([
    {
      key: 'dear-x',
      requests: 1,
      prompt_tokens: 10,
      completion_tokens: 1,
      cached_tokens: 4,
      cost_micros: 50,
    },
    {
      key: 'cheap-x',
      requests: 2,
      prompt_tokens: 20,
      completion_tokens: 2,
      cached_tokens: 8,
      cost_micros: 11,
    },
  ])
  const mine = (await ledger.usage(newId(), { from, to, group_by: 'user' })).find(row => row.key === user)
  expect(mine).toMatchObject({ requests: 3, cost_micros: 61 })
  const [day] = await ledger.usage(newId(), { from, to, group_by: 'day' })
  expect(day?.key).toMatch(/^\d{4}-\d\d-\d\d$/)
  expect(await ledger.usage(newId(), { from: to, to, group_by: 'day' })).toEqual([])
})

test('counters of past months are forgotten', async () => {
  const ledger = openLedger()
  const user = newId()
  now = Date.UTC(2026, 5, 1)
  await ledger.reserve(call(user))
  now = Date.UTC(2026, 10, 21)
  await ledger.reserve(call(user))
  await ledger.forget()
  const { rows } = await sql`SELECT period FROM ai_counter WHERE user_id = ${user} ORDER BY 1`.execute(
    database.db.primary,
  )
  expect(rows).toEqual([{ period: '2026-11' }, { period: '2026-11-21' }])
})

test('whatever happens in whatever order: never above a limit, nothing stays held, all usage is booked', async () => {
  const live = openLedger()
  const dead = openLedger(0)
  const step = fc.record({
    kind: fc.constantFrom(
      'reserve',
      'reserve',
      'reserve_dead',
      'settle',
      'release',
      'expire',
      'settle_again',
    ),
    pick: fc.nat(),
    tokens: fc.integer({ min: 0, max: 30 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 8 }), async rounds => {
      const user = newId()
      const limits = [limit('requests', 'day', 6), limit('tokens', 'day', 80), limit('tokens', 'month', 70)]
      const open: Awaited<ReturnType<Ledger['reserve']>>[] = []
      const leaseless = new Set<string>()
      let booked = 0
      let requests = 0
      // Usage that comes in after its lease is booked although its room may have been given away.
      let late = { tokens: 0, requests: 0 }
      const run = async ({ kind, pick, tokens, share }: (typeof rounds)[number][number]) => {
        const reservation = open[pick % Math.max(1, open.length)]
        if (kind.startsWith('reserve')) {
          const ledger = kind === 'reserve' ? live : dead
          const made = await ledger.reserve(call(user, limits, tokens, tokens)).catch(error => {
            expect(codeOf(error)).toBe('quota.exceeded')
          })
          if (made) open.push(made)
          if (made && kind === 'reserve_dead') leaseless.add(made.id)
        } else if (kind === 'expire') await live.expire()
        else if (reservation && kind === 'release') await live.release(reservation)
        else if (reservation) {
          const used = Math.floor(reservation.tokens_held * share)
          if (!(await live.settle(reservation, { usage: usage(used, 0), cost_micros: used }))) return
          booked += used
          requests++
          if (leaseless.has(reservation.id))
            late = { tokens: late.tokens + used, requests: late.requests + 1 }
        }
      }
      for (const round of rounds) {
        await Promise.all(round.map(run))
        for (const state of await live.quota(user, limits)) {
          expect(state.held).toBeGreaterThanOrEqual(0)
          const extra = state.metric === 'requests' ? late.requests : late.tokens
          expect(state.used + state.held).toBeLessThanOrEqual(state.max + extra)
        }
      }
      for (const reservation of open) await live.release(reservation)
      expect(await amounts(live, user)).toEqual(
        [requests, booked, booked, requests, booked, booked].map(used => [used, 0]),
      )
    }),
    { numRuns: 40 },
  )
})
