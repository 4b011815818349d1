import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { loadModules } from '#catalog'
import { consumer } from '#core/events/events.ts'
import { newId } from '#core/ids.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import { defineModule } from '#core/module.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { billingKey } from '#modules/billing/contract.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { parseCode, printed } from './codes.ts'
import { CardRedeemed, cardsKey, RedemptionUndone } from './contract.ts'
import type { RedemptionTables } from './redemption-tables.ts'
import { type Collector, released, rowsOf, settled, signUpCollector } from './redemption-testing.ts'
import { lockChains } from './usage-sealing.ts'

let app: TestApp
/** What other modules would have heard, by the id of the redemption. */
const heard: { event: string; redemption_id: string }[] = []

const listener = defineModule({
  name: 'listener',
  settings: {},
  permissions: [],
  migrations: [],
  setup: () => ({
    consumers: [CardRedeemed, RedemptionUndone].map(event =>
      consumer({
        name: `listener.hear_${event.name.split('.').at(-1)}`,
        event,
        async handle({ payload }) {
          heard.push({ event: event.name, redemption_id: payload.redemption_id })
        },
      }),
    ),
  }),
})

beforeAll(async () => {
  app = await startTestApp({
    modules: [...(await loadModules()), listener],
    settings: { TRUSTED_PROXIES: '127.0.0.1', CARDS_REGION_HEADER: 'x-region' },
  })
})
afterAll(() => app.stop())

const heardOf = (id: string) => heard.filter(each => each.redemption_id === id).map(each => each.event)

/** An address of its own for each test, so that failures of one do not count for another. */
let address = 0
const from = () => ({ 'x-forwarded-for': `198.51.100.${++address}` })

async function usesOf(collector: Collector) {
  await settled(app)
  return rowsOf(app)
    .selectFrom('cards_usage')
    .selectAll()
    .where('user_id', '=', collector.id)
    .orderBy('id')
    .execute()
}

async function noticesOf({ headers }: Collector) {
  const response = await app.fetch('/api/v1/notifications', { headers })
  return ((await response.json()) as { items: { kind: string; path: string | null }[] }).items
}

test('a code is redeemed once: the item is in the collection at once, and others hear of it once', async () => {
  const { code, batch } = await released(app)
  const collector = await signUpCollector(app)
  const { status, body } = await collector.redeem(code, { ...from(), 'x-region': '%E6%B5%99%E6%B1%9F' })
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { already_owned: false, item: { name: '新年舞', category: 'dance', rarity: 'rare' } },
  })
  const { item } = body
  expect((await collector.cards.call('GET', '/items')).body).toEqual({ items: [item], next_cursor: null })
  expect((await collector.cards.call('GET', `/items/${item.id}`)).body).toEqual(item)
  expect(await app.app.use(cardsKey).itemsOf(collector.id)).toEqual([
    {
      id: item.id,
      template_id: batch.template_id,
      template_version: 1,
      category: 'dance',
      rarity: 'rare',
      name: '新年舞',
      attributes: item.attributes,
      acquired_at: item.acquired_at,
    },
  ])
  await vi.waitFor(() => expect(heardOf(item.id)).toEqual(['cards.card.redeemed']), 30_000)
  const uses = await usesOf(collector)
  expect(uses).toMatchObject([
    { id: item.id, action: 'redeemed', batch_id: batch.id, number: 1, seq: 1, region: '浙江' },
  ])
  expect(uses[0]?.ip).toMatch(/^198\.51\.100\./)

  const again = await collector.redeem(code)
  expect(again).toMatchObject({ status: 200, body: { already_owned: true, item } })
  expect(await usesOf(collector)).toHaveLength(1)
  // Written with the event that was heard.
  expect(await noticesOf(collector)).toContainEqual(
    expect.objectContaining({ kind: 'cards.card_redeemed', path: `/cards/collection?item=${item.id}` }),
  )
  expect(heardOf(item.id)).toEqual(['cards.card.redeemed'])
})

test('what people type is understood: lower case, spaces, look-alike letters, full width', async () => {
  const forms: ((code: string) => string)[] = [
    code => code.toLowerCase(),
    code => code.replaceAll('-', ' '),
    code => ` ${code.replaceAll('-', '')} `,
    code => code.replaceAll('0', 'O').replaceAll('1', 'l'),
    code => code.replaceAll('0', 'o').replaceAll('1', 'I').replaceAll('-', '—'),
    code => [...code].map(each => String.fromCharCode(each.charCodeAt(0) + 0xfee0)).join(''),
  ]
  const { codes } = await released(app, { quantity: forms.length })
  const collector = await signUpCollector(app)
  for (const [index, form] of forms.entries())
    expect(await collector.redeem(form(codes[index] ?? ''))).toMatchObject({
      status: 200,
      body: { already_owned: false },
    })
})

test('a slip of the pen is told at once, without a look-up, and counts for nothing', async () => {
  const { code } = await released(app)
  const collector = await signUpCollector(app)
  const swapped = [...code.replaceAll('-', '')]
  const at = swapped.findIndex((letter, index) => letter !== swapped[index + 1])
  ;[swapped[at], swapped[at + 1]] = [swapped[at + 1] ?? '', swapped[at] ?? '']
  const wrong: [string, string][] = [
    [swapped.join(''), 'card.code_mistyped'],
    [code.slice(0, -1), 'card.code_incomplete'],
    [`${code}0`, 'card.code_incomplete'],
    [code.replace(/^./, 'U'), 'card.code_character'],
    [code.replace(/^./, '卡'), 'card.code_character'],
  ]
  const headers = from()
  for (let round = 0; round < 3; round++)
    for (const [text, problem] of wrong)
      expect(await collector.redeem(text, headers)).toMatchObject({ status: 422, body: { code: problem } })
  expect((await collector.redeem(code, headers)).status).toBe(200)
  expect(await usesOf(collector)).toMatchObject([{ action: 'redeemed' }])
  expect((await collector.redeem('', headers)).status).toBe(400)
  expect((await collector.redeem('0'.repeat(101), headers)).status).toBe(400)
})

test('whatever is wrong with a card, the answer is the same; the log knows better', async () => {
  const first = await signUpCollector(app)
  const cases: [reason: string, make: () => Promise<string>][] = [
    ['unknown', async () => anyCode()],
    [
      'redeemed',
      async () => {
        const { code } = await released(app)
        await first.redeem(code)
        return code
      },
    ],
    [
      'expired',
      async () => {
        const { code, batch } = await released(app, { valid_days: 1 })
        await rowsOf(app)
          .updateTable('cards_batch')
          .set({ expires_at: new Date(Date.now() - 1).toISOString() })
          .where('id', '=', batch.id)
          .execute()
        return code
      },
    ],
    ['frozen', () => after('freeze')],
    ['void', () => after('void')],
    [
      'void',
      async () => {
        const { code, batch } = await released(app, { quantity: 1 })
        await rowsOf(app)
          .updateTable('cards_card')
          .set({ state: 'void' })
          .where('batch_id', '=', batch.id)
          .execute()
        return code
      },
    ],
    [
      'not_released',
      async () => {
        const { code, batch } = await released(app, { quantity: 1 })
        await rowsOf(app)
          .updateTable('cards_batch')
          .set({ state: 'ready' })
          .where('id', '=', batch.id)
          .execute()
        return code
      },
    ],
  ]
  async function after(step: string): Promise<string> {
    const { operator, batch, code } = await released(app, { quantity: 1 })
    expect((await operator.cards.call('POST', `/batches/${batch.id}/${step}`)).status).toBeLessThan(300)
    return code
  }
  const answers = new Set<string>()
  for (const [reason, make] of cases) {
    const collector = await signUpCollector(app)
    const answer = await collector.redeem(await make(), from())
    expect(answer.status).toBe(422)
    const { request_id: _, ...body } = answer.body as unknown as Record<string, unknown>
    answers.add(JSON.stringify(body))
    expect(await usesOf(collector)).toMatchObject([{ action: 'refused', reason }])
    expect(JSON.stringify(await usesOf(collector))).not.toContain('code')
  }
  expect([...answers]).toHaveLength(1)
  expect([...answers][0]).toContain('card.not_redeemable')
})

test('200 people with the same code at once: one wins', async () => {
  const { code, batch } = await released(app)
  const collectors = await Promise.all(Array.from({ length: 20 }, () => signUpCollector(app)))
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      collectors[index % 20]?.redeem(code, { 'x-forwarded-for': `203.0.113.${index}` }),
    ),
  )
  const winners = answers.filter(answer => answer?.status === 200 && !answer.body.already_owned)
  expect(winners).toHaveLength(1)
  const own = answers.filter(answer => answer?.status === 200)
  expect(new Set(own.map(answer => answer?.body.item.id)).size).toBe(1)
  expect(answers.every(answer => [200, 422, 429].includes(answer?.status ?? 0))).toBe(true)
  await settled(app)
  const rows = await rowsOf(app)
    .selectFrom('cards_usage')
    .select('id')
    .where('batch_id', '=', batch.id)
    .where('action', '=', 'redeemed')
    .execute()
  expect(rows).toHaveLength(1)
})

test('one person 200 times at once: one redemption, and the others lead to it', async () => {
  const { code } = await released(app)
  const collector = await signUpCollector(app)
  const answers = await Promise.all(Array.from({ length: 200 }, () => collector.redeem(code)))
  expect(answers.map(answer => answer.status)).toEqual(answers.map(() => 200))
  expect(answers.filter(answer => !answer.body.already_owned)).toHaveLength(1)
  expect(new Set(answers.map(answer => answer.body.item.id)).size).toBe(1)
  expect(await usesOf(collector)).toHaveLength(1)
})

test('an idempotency key brings the same answer again', async () => {
  const { codes } = await released(app)
  const collector = await signUpCollector(app)
  const key = { 'idempotency-key': newId() }
  const first = await collector.redeem(codes[0] ?? '', key)
  expect(first.body.already_owned).toBe(false)
  expect(await collector.redeem(codes[0] ?? '', key)).toMatchObject({ status: 200, body: first.body })
  expect((await collector.redeem(codes[1] ?? '', key)).status).toBe(422)
})

test('days of membership come once, and what is left of them goes when the redemption is undone', async () => {
  const operator = (await released(app)).operator
  const template = await operator.cards.template({ rewards: { membership: { plan: 'vip', days: 30 } } })
  const { code } = await released(app, { template_id: template.id })
  const collector = await signUpCollector(app)
  const { item } = (await collector.redeem(code)).body
  const billing = app.app.use(billingKey)
  await vi.waitFor(
    async () => expect((await billing.planOf([collector.id])).get(collector.id)).toBe('vip'),
    30_000,
  )
  expect(await noticesOf(collector)).toContainEqual(
    expect.objectContaining({
      kind: 'cards.membership_granted',
      body: 'The card “新年舞” brought you 30 days of VIP.',
    }),
  )
  const undone = await operator.cards.call('POST', `/redemptions/${item.id}/undo`, { reason: 'sold twice' })
  expect(undone).toMatchObject({
    status: 200,
    body: { card_state: 'issued', membership: { plan: 'vip', days: 30 } },
  })
  await vi.waitFor(() => expect(heardOf(item.id)).toContain('cards.redemption.undone'), 30_000)
  expect((await collector.cards.call('GET', '/items')).body).toMatchObject({ items: [] })
  expect(await noticesOf(collector)).toContainEqual(
    expect.objectContaining({ kind: 'cards.card_taken_back' }),
  )
  expect((await billing.planOf([collector.id])).get(collector.id)).toBe('free')
  const twice = await operator.cards.call('POST', `/redemptions/${item.id}/undo`, { reason: 'again' })
  expect(twice).toMatchObject({ status: 409, body: { code: 'redemption.undone' } })
  const none = await operator.cards.call('POST', `/redemptions/${newId()}/undo`, { reason: 'none' })
  expect(none).toMatchObject({ status: 404, body: { code: 'redemption.not_found' } })

  const next = await signUpCollector(app)
  expect((await next.redeem(code)).body).toMatchObject({ already_owned: false })
  expect((await collector.redeem(code, from())).status).toBe(422)
  const uses = await usesOf(collector)
  expect(uses.map(use => [use.action, use.reason, use.note])).toEqual([
    ['redeemed', null, null],
    ['undone', 'issued', 'sold twice'],
    ['refused', 'redeemed', null],
  ])
  expect(uses[1]?.acting_user_id).toBe(operator.user.id)
})

test('an undone card can be made void', async () => {
  const { code, operator } = await released(app)
  const collector = await signUpCollector(app)
  const { item } = (await collector.redeem(code)).body
  const body = { reason: 'stolen', void_card: true }
  const undone = await operator.cards.call('POST', `/redemptions/${item.id}/undo`, body)
  expect(undone.body).toMatchObject({ card_state: 'void', membership: null })
  expect((await collector.redeem(code, from())).status).toBe(422)
})

test('what a former version sealed and left to a job is told after the upgrade', async () => {
  const { code } = await released(app)
  const collector = await signUpCollector(app)
  const id = await app.core.db.withTables<RedemptionTables>().transaction(async tx => {
    // While the chains are locked nothing is settled.
    await lockChains(tx)
    const { item } = (await collector.redeem(code, from())).body
    await tx.deleteFrom('cards_usage_pending').where('id', '=', item.id).execute()
    return item.id
  })
  const left = defineJob({
    name: 'cards.announce_redemptions',
    schema: z.object({ redemption_ids: z.array(z.uuid()) }),
    run: async () => undefined,
  })
  await app.core.jobs.add(app.core.db.primary, left, { redemption_ids: [id] })
  await vi.waitFor(() => expect(heardOf(id)).toEqual([CardRedeemed.name]), 20_000)
})

test('who enters codes that do not work waits ever longer, but nobody else does', async () => {
  const { codes } = await released(app)
  const collector = await signUpCollector(app)
  const headers = from()
  const fail = () => collector.redeem(anyCode(), headers)
  for (let failure = 0; failure < 6; failure++) expect((await fail()).status).toBe(422)
  const waits: number[] = []
  for (let round = 0; round < 12; round++) {
    const { wait, until } = await waitOf(collector.id)
    const blocked = await collector.redeem(codes[0] ?? '', headers)
    expect(blocked).toMatchObject({ status: 429, body: { code: 'card.too_many_attempts' } })
    const told = Number(blocked.headers.get('retry-after'))
    expect(told).toBeLessThanOrEqual(wait)
    expect(told).toBeGreaterThanOrEqual((until - Date.now()) / 1000)
    waits.push(wait)
    await passTime(collector.id, wait)
    expect((await fail()).status).toBe(422)
  }
  expect(waits.slice(0, 4)).toEqual([10, 20, 40, 80])
  expect(waits.slice(-2)).toEqual([3600, 3600])

  const neighbour = await signUpCollector(app)
  expect((await neighbour.redeem(codes[1] ?? '', headers)).status).toBe(200)
  await passTime(collector.id, 3601)
  expect((await collector.redeem(codes[0] ?? '', headers)).status).toBe(200)
  // Forgotten a day after the longest wait: the free failures are there again.
  await passTime(collector.id, 90_001)
  for (let failure = 0; failure < 5; failure++) expect((await fail()).status).toBe(422)
  expect((await collector.redeem(codes[2] ?? '', headers)).status).toBe(200)
})

test('failures count for an address too, whoever signs in there; a network of IPv6 is one address', async () => {
  const { code } = await released(app)
  const network = () => ({ 'x-forwarded-for': `2001:db8:7:7:${(++address).toString(16)}::1` })
  const collectors = await Promise.all(Array.from({ length: 8 }, () => signUpCollector(app)))
  for (let failure = 0; failure < 31; failure++)
    expect((await collectors[failure % 7]?.redeem(anyCode(), network()))?.status).toBe(422)
  const fresh = collectors[7]
  expect((await fresh?.redeem(code, network()))?.status).toBe(429)
  expect((await fresh?.redeem(code, from()))?.status).toBe(200)
})

test('what a deleted user had is nobody’s', async () => {
  const { codes, batch } = await released(app)
  const collector = await signUpCollector(app)
  await collector.redeem(codes[0] ?? '')
  await collector.redeem(anyCode(), from())
  await settled(app)
  await app.core.events.publish(app.core.db.primary, UserDeleted, { user_id: collector.id })
  const mentions = async () => {
    const tables = ['cards_card', 'cards_redemption', 'cards_usage', 'cards_usage_pending', 'cards_guard']
    const texts = tables.map(table => `SELECT count(*) AS n FROM ${table} t WHERE t::text LIKE $1`)
    const counts = await Promise.all(texts.map(text => app.core.db.pool.query(text, [`%${collector.id}%`])))
    return counts.reduce((sum, { rows }) => sum + Number(rows[0]?.n), 0)
  }
  await vi.waitFor(async () => expect(await mentions()).toBe(0), 30_000)
  const state = await rowsOf(app)
    .selectFrom('cards_card')
    .select('state')
    .where('batch_id', '=', batch.id)
    .where('number', '=', 1)
    .executeTakeFirst()
  expect(state?.state).toBe('redeemed')
  const { findings } = await app.app.use(cardsKey).verifyUsage({ batch_id: batch.id })
  expect(findings).toEqual([])
})

/** For how long a user has to wait after the last failure, in seconds, and until when. */
async function waitOf(userId: string): Promise<{ wait: number; until: number }> {
  const row = await rowsOf(app)
    .selectFrom('cards_guard')
    .select(['last_failed_at', 'blocked_until'])
    .where('scope', '=', `user:${userId}`)
    .executeTakeFirstOrThrow()
  const until = Date.parse(row.blocked_until ?? '')
  return { wait: (until - Date.parse(row.last_failed_at)) / 1000, until }
}

/** As if so many seconds had gone by for a user. */
async function passTime(userId: string, seconds: number) {
  await app.core.db.pool.query(
    `UPDATE cards_guard SET last_failed_at = last_failed_at - make_interval(secs => $2),
       blocked_until = blocked_until - make_interval(secs => $2) WHERE scope = $1`,
    [`user:${userId}`, seconds],
  )
}

/** A code whose check character is right and that no card has. */
function anyCode(): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  const body = Array.from({ length: 15 }, () => alphabet[Math.floor(Math.random() * 32)]).join('')
  for (const last of alphabet) {
    const { code } = parseCode(body + last)
    if (code) return printed(code)
  }
  throw new Error('One of them must fit')
}
