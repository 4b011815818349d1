import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createInstallation, type Installation } from '#core/testing/installation.ts'
import type { Batch } from './batches.ts'
import type { Redemption } from './redemption-testing.ts'
import { anyTemplate } from './testing.ts'

const quantity = 200
const callers = 8

let banyan: Installation
beforeAll(async () => {
  banyan = await createInstallation({ RATE_LIMIT_WRITE_PER_MINUTE: '0' })
  await banyan.live()
})
afterAll(() => banyan.drop())

const redeem = (code: string) => banyan.call<Redemption>('POST', '/cards/redemptions', { code })

async function releasedCodes(): Promise<{ batch: Batch; codes: string[] }> {
  const template = await banyan.call<{ id: string }>('POST', '/cards/templates', anyTemplate)
  await banyan.call('PATCH', `/cards/templates/${template.id}`, { state: 'published' })
  const { id } = await banyan.call<Batch>('POST', '/cards/batches', {
    template_id: template.id,
    name: 'crash',
    quantity,
  })
  await banyan.call('POST', `/cards/batches/${id}/generate`)
  await vi.waitFor(
    async () => expect(await banyan.call('GET', `/cards/batches/${id}`)).toMatchObject({ state: 'ready' }),
    { timeout: 60_000, interval: 100 },
  )
  const batch = await banyan.call<Batch>('POST', `/cards/batches/${id}/release`)
  const csv = await banyan.call<string>('GET', `/cards/batches/${id}/codes.csv`)
  const codes = csv.split('\n').map(line => /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/.exec(line)?.[0])
  return { batch, codes: codes.filter(code => code !== undefined) }
}

test('a server killed among redemptions loses none that it answered, and logs and announces each once', async () => {
  const { batch, codes } = await releasedCodes()
  const answered = new Map<string, string>()
  let next = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let code = codes[next++]; code; code = codes[next++]) {
        try {
          answered.set(code, (await redeem(code)).item.id)
        } catch {
          // Its server is gone.
          return
        }
        if (answered.size === quantity / 4) void banyan.kill()
      }
    }),
  )
  expect(answered.size).toBeGreaterThanOrEqual(quantity / 4)
  expect(answered.size).toBeLessThan(quantity)
  await banyan.kill()
  await banyan.live()

  for (const [code, id] of answered)
    expect(await redeem(code)).toMatchObject({ already_owned: true, item: { id } })
  for (const code of codes.filter(code => !answered.has(code)))
    answered.set(code, (await redeem(code)).item.id)
  const ids = [...answered.values()].sort()
  expect(new Set(ids).size).toBe(quantity)

  await vi.waitFor(
    async () => {
      const { rows } = await sql<{ count: number }>`SELECT count(*) FROM cards_usage_pending`.execute(
        banyan.db.primary,
      )
      expect(rows).toEqual([{ count: 0 }])
    },
    // A killed process is given up after 20 seconds, and cron jobs run once a minute.
    { timeout: 240_000, interval: 500 },
  )
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM cards_usage WHERE action = 'redeemed' ORDER BY id`.execute(banyan.db.primary)
  expect(rows.map(row => row.id)).toEqual(ids)
  const told = await sql<{ count: number }>`
    SELECT count(*) FROM notifications_notification WHERE kind = 'cards.card_redeemed'`.execute(
    banyan.db.primary,
  )
  expect(told.rows).toEqual([{ count: quantity }])
  expect(await banyan.call('GET', `/cards/usage-chains/${batch.id}/verification`)).toMatchObject({
    checked: quantity,
    findings: [],
  })
}, 400_000)
