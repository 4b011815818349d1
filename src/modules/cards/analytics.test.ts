import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { dayIn, dayStart, defaultTimeZone, systemClock } from '#core/clock.ts'
import { loadConfig } from '#core/config.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { watchJob } from './alerts.ts'
import type { CardsByDay, CardsByGroup, CardsExpiry } from './analytics.ts'
import type { Collection } from './collection.ts'
import { codesOf } from './redemption-access.ts'
import { redemptionSettings } from './redemption-config.ts'
import type { RedemptionTables } from './redemption-tables.ts'
import { released, rowsOf, settled, signUpCollector } from './redemption-testing.ts'
import { signUpOperator } from './testing.ts'

let app: TestApp
let addresses = 10
let operator: Awaited<ReturnType<typeof signUpOperator>>

beforeAll(async () => {
  // The day in which the tests began does not end before them.
  const endOfDay = dayStart(today()) + 86_400_000 - 1
  vi.spyOn(systemClock, 'now').mockImplementation(() => Math.min(Date.now(), endOfDay))
  app = await startTestApp({
    settings: {
      TRUSTED_PROXIES: '127.0.0.1',
      CARDS_REGION_HEADER: 'x-region',
      CARDS_FAILURES_PER_USER: '1',
      CARDS_FAILURES_PER_MINUTE: '5',
      CARDS_ALERT_LOCKOUTS: '2',
    },
  })
  operator = await signUpOperator(app)
})
afterAll(async () => {
  await app.stop()
  vi.restoreAllMocks()
})

const read = async <T>(path: string) => (await operator.cards.call<T>('GET', path)).body
const today = () => dayIn(defaultTimeZone, systemClock.now())

/** Runs a job of the module now, instead of by the clock. Queued by its name, it is the module's own that runs. */
async function runJob(name: string) {
  const job = defineJob({ name, schema: z.object({}), run: async () => undefined })
  const id = await app.core.jobs.add(app.core.db.primary, job, {})
  await vi.waitFor(async () => expect((await app.core.jobs.get(id))?.state).toBe('succeeded'), {
    timeout: 30_000,
    interval: 50,
  })
}

test('figures by day, batch, template, channel and region', async () => {
  const template = await operator.cards.template({ name: '孔雀舞' })
  const input = { template_id: template.id, quantity: 10, channel: '展会' }
  const batch = await operator.cards.released({ ...input, name: 'by figures' })
  const codes = await codesOf(app, batch.id)
  const [one, two] = [await signUpCollector(app), await signUpCollector(app)]
  await app.fetch('/api/v1/users/me', {
    method: 'PATCH',
    headers: { ...two.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ profile: { city: ' 杭州市 ' } }),
  })
  const proxied = { 'x-forwarded-for': '192.0.2.1', 'x-region': encodeURIComponent('广东') }
  for (const code of codes.slice(0, 3)) expect((await one.redeem(code, proxied)).status).toBe(200)
  for (const code of codes.slice(3, 5)) expect((await two.redeem(code)).status).toBe(200)
  // A header that no trusted proxy has passed on is not believed.
  const direct = await signUpCollector(app)
  expect((await direct.redeem(codes[5] ?? '', { 'x-region': 'Mars' })).status).toBe(200)
  expect((await two.redeem(codes[0] ?? '')).status).toBe(422)
  const { item } = (await one.redeem(codes[0] ?? '')).body
  await operator.cards.call('POST', `/redemptions/${item.id}/undo`, { reason: 'a mistake' })
  await settled(app)

  const days = await read<CardsByDay>(`/analytics/days?batch_id=${batch.id}`)
  expect(days.days).toHaveLength(30)
  expect(days.days.at(-1)).toEqual({
    day: today(),
    issued: 10,
    redeemed: 6,
    undone: 1,
    refused: 1,
    expired: 0,
  })
  expect(days).toMatchObject({ issued_before: 0, redeemed_before: 0, unknown_codes: null })
  const counts = { issued: 10, redeemed_in_all: 5, redeemed: 6, undone: 1, refused: 1, expired: 0 }
  const group = async (by: string) =>
    (await read<CardsByGroup>(`/analytics/groups?by=${by}&template_id=${template.id}`)).items
  expect(await group('batch')).toEqual([{ key: batch.id, name: 'by figures', ...counts }])
  expect(await group('template')).toEqual([{ key: template.id, name: '孔雀舞', ...counts }])
  expect(await group('channel')).toEqual([{ key: '展会', name: '展会', ...counts }])
  const regions = new Map((await group('region')).map(row => [row.key, row.redeemed]))
  expect(regions).toEqual(
    new Map([
      ['广东', 3],
      ['杭州', 2],
      ['', 1],
    ]),
  )
  const later = await read<CardsByDay>(`/analytics/days?batch_id=${batch.id}&from=2099-01-01&to=2099-01-02`)
  expect(later).toMatchObject({ issued_before: 10, redeemed_before: 5 })
  for (const period of ['from=2026-02-02&to=2026-02-01', 'to=0001-01-01', 'from=2020-01-01&to=2026-01-01'])
    expect(await operator.cards.call('GET', `/analytics/days?${period}`)).toMatchObject({
      status: 422,
      body: { code: 'cards.period_invalid' },
    })
})

test('codes that no card has count in their day and region, as long as all cards are asked for', async () => {
  const whole = async () => (await read<CardsByDay>('/analytics/days')).days.at(-1)?.refused ?? 0
  const before = await whole()
  const { batch } = await released(app)
  const guesser = await signUpCollector(app)
  const proxied = { 'x-forwarded-for': '192.0.2.250', 'x-region': 'Atlantis' }
  expect((await guesser.redeem('0000-0000-0000-0000', proxied)).status).toBe(422)
  await settled(app)
  expect(await whole()).toBe(before + 1)
  expect((await read<CardsByDay>('/analytics/days')).unknown_codes).toBe(1)
  const inRegion = async (filter: string) =>
    (await read<CardsByGroup>(`/analytics/groups?by=region${filter}`)).items.find(
      each => each.key === 'Atlantis',
    )
  expect(await inRegion('')).toMatchObject({ issued: null, redeemed: 0, refused: 1 })
  expect(await inRegion(`&batch_id=${batch.id}`)).toBeUndefined()
  const batches = (await read<CardsByGroup>('/analytics/groups?by=batch')).items
  expect(batches.every(each => each.name !== '')).toBe(true)
})

test('what is undone is undone in the region where it was redeemed', async () => {
  const { batch, codes } = await released(app, { quantity: 2 })
  const collector = await signUpCollector(app)
  const proxied = { 'x-forwarded-for': '192.0.2.251', 'x-region': 'Lemuria' }
  const regions = async () =>
    (await read<CardsByGroup>(`/analytics/groups?by=region&batch_id=${batch.id}`)).items.map(
      ({ key, redeemed_in_all, undone }) => ({ key, redeemed_in_all, undone }),
    )
  for (const [at, code] of codes.entries()) {
    const { item } = (await collector.redeem(code, proxied)).body
    // Once from the log, and once maybe from what is to come into it.
    if (at === 0) await settled(app)
    await operator.cards.call('POST', `/redemptions/${item.id}/undo`, { reason: 'a mistake' })
  }
  await settled(app)
  expect(await regions()).toEqual([{ key: 'Lemuria', redeemed_in_all: 0, undone: 2 }])
})

test('the pace is that of 28 days and of what there is of today', async () => {
  const { batch } = await released(app, { quantity: 1000, valid_days: 90 })
  const rows = app.core.db.primary
  const now = systemClock.now()
  const dayAgo = (days: number) => dayIn(defaultTimeZone, now - days * 86_400_000)
  await sql`UPDATE cards_batch SET released_at = now() - interval '60 days' WHERE id = ${batch.id}`.execute(
    rows,
  )
  for (let ago = 0; ago <= 40; ago++)
    await sql`
      INSERT INTO cards_statistic (batch_id, day, region, redeemed) VALUES (${batch.id}, ${dayAgo(ago)}, '', 10)`.execute(
      rows,
    )
  const { items } = await read<CardsExpiry>('/analytics/expiry')
  const pace = items.find(each => each.batch_id === batch.id)?.redeemed_per_day ?? 0
  expect(290 / pace).toBeCloseTo((now - dayStart(dayAgo(28))) / 86_400_000, 2)
})

test('what was undone is no pace', async () => {
  const { batch, codes } = await released(app, { quantity: 3, valid_days: 10 })
  const collector = await signUpCollector(app)
  const { item } = (await collector.redeem(codes[0] ?? '')).body
  await operator.cards.call('POST', `/redemptions/${item.id}/undo`, { reason: 'a mistake' })
  await settled(app)
  const { items } = await read<CardsExpiry>('/analytics/expiry')
  expect(items.find(each => each.batch_id === batch.id)).toMatchObject({
    remaining: 3,
    redeemed_per_day: 0,
    expected_to_expire: 3,
  })
})

test('cards end with their batch; at midnight the rest is marked, once, and the forecast knows before', async () => {
  const { batch, codes } = await released(app, { quantity: 12, valid_days: 10, name: 'to end' })
  const collector = await signUpCollector(app)
  for (const code of codes.slice(0, 4)) await collector.redeem(code)
  await settled(app)
  const forecast = (await read<CardsExpiry>('/analytics/expiry')).items.find(
    each => each.batch_id === batch.id,
  )
  // Four on its first day: at that pace nothing is left after ten.
  expect(forecast).toMatchObject({ remaining: 8, redeemed_per_day: 4, expected_to_expire: 0 })

  await rowsOf(app)
    .updateTable('cards_batch')
    .set({ expires_at: new Date(systemClock.now() - 1000).toISOString() })
    .where('id', '=', batch.id)
    .execute()
  for (let round = 0; round < 2; round++) await runJob('cards.expire_cards')
  const states = await rowsOf(app)
    .selectFrom('cards_card')
    .select(['state', sql<number>`count(*)`.as('count')])
    .where('batch_id', '=', batch.id)
    .groupBy('state')
    .orderBy('state')
    .execute()
  expect(states).toEqual([
    { state: 'expired', count: 8 },
    { state: 'redeemed', count: 4 },
  ])
  await settled(app)
  const days = await read<CardsByDay>(`/analytics/days?batch_id=${batch.id}`)
  expect(days.days.at(-1)).toMatchObject({ expired: 8, redeemed: 4 })
  const uses = await operator.cards.call('GET', `/usage?batch_id=${batch.id}&action=expired`)
  expect(uses.body).toMatchObject({ items: [{ action: 'expired', cards: 8, number: null }] })
  // An undone one has ended with the others.
  const items = (await collector.cards.call<{ items: { id: string }[] }>('GET', '/items')).body.items
  const undone = await operator.cards.call('POST', `/redemptions/${items[0]?.id}/undo`, { reason: 'late' })
  expect(undone.body).toMatchObject({ card_state: 'expired' })
})

test('the collection knows what there is to collect', async () => {
  const set_name = `十二生肖 ${Date.now()}`
  const templates = [
    await operator.cards.template({ name: '鼠', set_name, rarity: 'common' }),
    await operator.cards.template({ name: '牛', set_name, rarity: 'legendary' }),
    await operator.cards.template({ name: '虎', set_name, rarity: 'common' }),
  ]
  const collector = await signUpCollector(app)
  const empty = (await collector.cards.call<Collection>('GET', '/collection')).body
  expect(empty).toMatchObject({ items: 0, owned: 0, sets: [] })
  for (const template of templates.slice(0, 2)) {
    const batch = await operator.cards.released({ template_id: template.id, quantity: 2 })
    for (const code of await codesOf(app, batch.id)) await collector.redeem(code)
  }
  const { body } = await collector.cards.call<Collection>('GET', '/collection')
  expect(body).toMatchObject({ items: 4, owned: 2, sets: [{ set_name, owned: 2, total: 3 }] })
  expect(body.categories).toMatchObject([{ category: 'dance', titles: { en: 'Dance' }, owned: 2 }])
  expect(body.total).toBe(empty.total)
  expect(body.rarities.find(each => each.rarity === 'legendary')).toMatchObject({ owned: 1, total: 1 })
  type List = { items: { id: string; name: string }[]; next_cursor: string | null }
  const list = async (query: string) => (await collector.cards.call<List>('GET', `/items?${query}`)).body
  const first = await list('limit=3')
  const rest = await list(`limit=3&cursor=${first.next_cursor}`)
  expect([...first.items, ...rest.items].map(item => item.name)).toEqual(['牛', '牛', '鼠', '鼠'])
  expect(rest.next_cursor).toBeNull()
  expect((await list('rarity=legendary')).items).toHaveLength(2)
  expect((await list(`set_name=${encodeURIComponent(set_name)}&category=dance`)).items).toHaveLength(4)
  expect((await list('category=song')).items).toEqual([])
  // Archived ones that one has still count; others do not.
  await operator.cards.call('PATCH', `/templates/${templates[0]?.id}`, { state: 'archived' })
  await operator.cards.call('PATCH', `/templates/${templates[2]?.id}`, { state: 'archived' })
  expect((await collector.cards.call<Collection>('GET', '/collection')).body.sets).toEqual([
    { set_name, owned: 2, total: 2 },
  ])
})

test('operators hear of guessing once an hour; meanwhile it does not shut out those who never failed', async () => {
  const guess = async () => {
    const guesser = await signUpCollector(app)
    const address = { 'x-forwarded-for': `192.0.2.${++addresses}` }
    return { first: await guesser.redeem('0000-0000-0000-0000', address), guesser, address }
  }
  // A minute may end in the middle of it; then it takes another go.
  await vi.waitFor(async () => {
    const guesses = await Promise.all(Array.from({ length: 12 }, guess))
    const failed = guesses.find(({ first }) => first.status === 422)
    expect(failed).toBeDefined()
    const second = await failed?.guesser.redeem('0000-0000-0000-0000', failed.address)
    expect(second).toMatchObject({ status: 429, body: { code: 'card.too_many_attempts' } })
  }, 60_000)
  const { code } = await released(app)
  const clean = await signUpCollector(app)
  expect((await clean.redeem(code, { 'x-forwarded-for': '192.0.2.200' })).status).toBe(200)

  for (let round = 0; round < 2; round++) await runJob('cards.watch_attempts')
  type Told = { items: { kind: string; data: { attempts: number } }[] }
  const told = async (headers: Record<string, string>) =>
    ((await (await app.fetch('/api/v1/notifications', { headers })).json()) as Told).items.filter(
      each => each.kind === 'cards.brute_force_suspected',
    )
  await vi.waitFor(async () => expect(await told(operator.headers)).toHaveLength(1), 30_000)
  expect((await told(operator.headers))[0]?.data.attempts).toBeGreaterThanOrEqual(12)
  expect(await told(clean.headers)).toEqual([])

  await sql`UPDATE cards_guard SET last_failed_at = last_failed_at - interval '2 days'`.execute(
    app.core.db.primary,
  )
  await runJob('cards.watch_attempts')
  expect(await rowsOf(app).selectFrom('cards_guard').selectAll().execute()).toEqual([])
})

test('one burst of guesses is told once, also when the clock strikes meanwhile', async () => {
  const keys: (string | undefined)[] = []
  let now = '2030-01-01T10:59:30Z'
  const job = watchJob({
    db: app.core.db.withTables<RedemptionTables>(),
    clock: { now: () => Date.parse(now) },
    identity: { userIdsWithPermission: async () => [operator.user.id] },
    notifications: { notify: async (_, _kind, _data, { key } = {}) => void keys.push(key) },
    settings: loadConfig(redemptionSettings, { env: {} }).values,
  })
  const run = async (at: string) => {
    now = at
    await job.run({}, { signal: AbortSignal.timeout(30_000), log: app.core.log } as Parameters<
      typeof job.run
    >[1])
  }
  const guard = (scope: string, last_failed_at: string, blocked_until: string | null) =>
    rowsOf(app)
      .insertInto('cards_guard')
      .values({ scope, failures: 9, last_failed_at, blocked_until })
      .execute()
  await guard('minute:31556579', '2030-01-01T10:58:10Z', '2030-01-01T10:59:00Z')
  await run('2030-01-01T10:59:30Z')
  // Somebody who mistypes later is no news.
  await guard('minute:31556581', '2030-01-01T11:00:10Z', null)
  await run('2030-01-01T11:01:00Z')
  expect(keys).toHaveLength(2)
  expect(new Set(keys).size).toBe(1)
  await guard('minute:31556600', '2030-01-01T11:20:00Z', '2030-01-01T11:21:00Z')
  await run('2030-01-01T11:21:00Z')
  expect(new Set(keys).size).toBe(2)
})
