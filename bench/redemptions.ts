import pg from 'pg'
import { Agent, request } from 'undici'
import { connectEmbedded } from '#core/db/embedded.ts'
import { type Banyan, startBanyan } from './banyan.ts'
import { bareRedemptions } from './baselines/pg-redemptions.ts'
import { median } from './processes.ts'
import type { Figure } from './run.ts'

const callers = 32
const seconds = 4
const rounds = 5
const cards = 100_000
const pool_size = 10

/**
 * Redemptions a second of the whole product, over HTTP as apps do it, each caller a user, with all that follows from
 * one running beside it in the same process (the sealed log, statistics, achievements, notifications), against the two
 * statements that every redemption needs, by bare `pg`.
 */
export async function benchRedemptions(): Promise<Figure[]> {
  const banyan = await startBanyan({ LOG_LEVEL: 'info', DATABASE_POOL_SIZE: String(pool_size) })
  try {
    const codes = await codesOfBatch(banyan)
    const bare = await bareRedemptions(connectEmbedded(banyan.dataDir) ?? '', {
      pool_size,
      cards: 4 * cards,
    })
    let next = 0
    const take = () => codes[next++]
    const people = await signUpCallers(banyan)
    const redeem = (time: number) => redemptionsPerSecond(banyan.url, people, take, time)
    await redeem(1)
    await bare.run('transaction', callers, 1)
    await bare.run('oneStatement', callers, 1)
    const results = { banyan: [] as number[], transaction: [] as number[], oneStatement: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      results.transaction.push(await bare.run('transaction', callers, seconds))
      results.oneStatement.push(await bare.run('oneStatement', callers, seconds))
      results.banyan.push(await redeem(seconds))
    }
    const settled_s = await untilSettled(banyan, next)
    await bare.stop()
    const value = median(results.banyan)
    const against = (baseline: number, baselineName: string) => ({
      name: 'redemptions, 32 callers, over HTTP',
      value,
      unit: 'redemptions/s',
      baseline,
      baselineName,
      ratio: value / baseline,
    })
    const base = against(median(results.transaction), 'bare pg, UPDATE + INSERT in a transaction')
    return [
      { ...base, bar: '≥ 0.40', reached: base.ratio >= 0.4 },
      against(median(results.oneStatement), 'bare pg, both in one statement'),
      {
        name: `until all that follows from ${next.toLocaleString('en')} has happened, after the last one`,
        value: settled_s,
        unit: 's',
      },
    ]
  } finally {
    await banyan.stop()
  }
}

async function codesOfBatch(banyan: Banyan): Promise<string[]> {
  type Made = { id: string; state: string }
  const template = await banyan.api<Made>('POST', '/api/v1/cards/templates', {
    category: 'dance',
    name: '新年舞',
    attributes: { style: '街舞', difficulty: 2, duration_seconds: 90 },
    rarity: 'rare',
  })
  await banyan.api('PATCH', `/api/v1/cards/templates/${template.id}`, { state: 'published' })
  const { id } = await banyan.api<Made>('POST', '/api/v1/cards/batches', {
    template_id: template.id,
    name: 'bench',
    quantity: cards,
  })
  const batch = `/api/v1/cards/batches/${id}`
  await banyan.api('POST', `${batch}/generate`)
  while ((await banyan.api<Made>('GET', batch)).state !== 'ready')
    await new Promise(resolve => setTimeout(resolve, 100))
  await banyan.api('POST', `${batch}/release`)
  const csv = await fetch(`${banyan.url}${batch}/codes.csv`, { headers: banyan.headers })
  const codes = (await csv.text())
    .split('\n')
    .map(line => /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/.exec(line)?.[0])
    .filter(code => code !== undefined)
  if (codes.length !== cards) throw new Error(`The export has ${codes.length} codes: ${csv.status}`)
  return codes
}

/** A user for each caller, as the headers of its requests. */
const signUpCallers = (banyan: Banyan): Promise<Record<string, string>[]> =>
  Promise.all(
    Array.from({ length: callers }, async (_, n) => {
      const person = { username: `caller-${n}`, password: `Quiet-river-${n}` }
      await banyan.api('POST', '/api/v1/auth/register', person)
      const { access_token } = await banyan.api<{ access_token: string }>('POST', '/api/v1/auth/login', {
        name: person.username,
        password: person.password,
        mode: 'token',
      })
      return { authorization: `Bearer ${access_token}` }
    }),
  )

async function redemptionsPerSecond(
  url: string,
  people: readonly Record<string, string>[],
  take: () => string | undefined,
  time: number,
): Promise<number> {
  const dispatcher = new Agent({ connections: callers, pipelining: 1 })
  const started = performance.now()
  const end = started + time * 1000
  let done = 0
  await Promise.all(
    people.map(async headers => {
      while (performance.now() < end) {
        const code = take()
        if (!code) throw new Error('The batch has too few cards for this machine')
        const answer = await request(`${url}/api/v1/cards/redemptions`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ code }),
          dispatcher,
        })
        const body = await answer.body.text()
        if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${body.slice(0, 300)}`)
        done++
      }
    }),
  )
  const elapsed = (performance.now() - started) / 1000
  await dispatcher.close()
  return done / elapsed
}

/** Seconds until the log has so many rows, and every consumer has heard of them. */
async function untilSettled(banyan: Banyan, rows: number): Promise<number> {
  const started = performance.now()
  const client = new pg.Client({ connectionString: connectEmbedded(banyan.dataDir) ?? '' })
  await client.connect()
  try {
    for (;;) {
      const { items } = await banyan.api<{ items: { last_seq: number }[] }>(
        'GET',
        '/api/v1/cards/usage-chains',
      )
      const waiting = await client.query('SELECT FROM core_event_delivery LIMIT 1')
      if (items[0]?.last_seq === rows && waiting.rowCount === 0) return (performance.now() - started) / 1000
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  } finally {
    await client.end()
  }
}
