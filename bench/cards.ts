import { once } from 'node:events'
import pg from 'pg'
import { connectEmbedded } from '#core/db/embedded.ts'
import { type Banyan, startBanyan } from './banyan.ts'
import { percentile, residentKilobytes } from './processes.ts'
import type { Figure } from './run.ts'

const million = 1_000_000
const sampleEvery_ms = 100

type Batch = { id: string; state: string; generated: number }

/** Makes a million cards, makes a million more with a `kill -9` half-way, and exports a million as CSV. */
export async function benchCards(): Promise<Figure[]> {
  let banyan = await startBanyan()
  try {
    const { id: template_id } = await banyan.api<{ id: string }>('POST', '/api/v1/cards/templates', {
      category: 'game',
      name: '百万张卡片',
      attributes: { type: 'quiz', level: 1 },
      rarity: 'common',
    })
    await banyan.api('PATCH', `/api/v1/cards/templates/${template_id}`, { state: 'published' })
    const { batch, figures } = await generateAMillion(banyan, template_id)
    figures.push(...(await exportAMillion(banyan, batch)))
    const killed = await killHalfWay(banyan, template_id)
    banyan = killed.banyan
    return [...figures, ...killed.figures]
  } finally {
    await banyan.stop()
  }
}

const makeBatch = (banyan: Banyan, template_id: string, name: string) =>
  banyan.api<Batch>('POST', '/api/v1/cards/batches', { template_id, name, quantity: million })

const find = (banyan: Banyan, id: string) => banyan.api<Batch>('GET', `/api/v1/cards/batches/${id}`)

async function generateAMillion(banyan: Banyan, templateId: string) {
  const { id } = await makeBatch(banyan, templateId, 'first')
  const watch = watchProcess(banyan)
  const started = performance.now()
  await banyan.api('POST', `/api/v1/cards/batches/${id}/generate`)
  await untilGenerated(banyan, id, million)
  const seconds = (performance.now() - started) / 1000
  const { peak_mb, p99_ms } = await watch.end()
  const figures: Figure[] = [
    {
      name: '1,000,000 codes generated and stored',
      value: seconds,
      unit: 's',
      bar: '≤ 90',
      reached: seconds <= 90,
    },
    {
      name: 'the same: most memory of the server',
      value: peak_mb,
      unit: 'MB resident',
      bar: '≤ 400',
      reached: peak_mb <= 400,
    },
    { name: 'the same: p99 of other requests meanwhile', value: p99_ms, unit: 'ms' },
  ]
  return { batch: id, figures }
}

async function exportAMillion(banyan: Banyan, id: string): Promise<Figure[]> {
  const before_mb = residentKilobytes(banyan.pid) / 1024
  const watch = watchProcess(banyan)
  const started = performance.now()
  const answer = await fetch(`${banyan.url}/api/v1/cards/batches/${id}/codes.csv`, {
    headers: banyan.headers,
  })
  let lines = 0
  for await (const chunk of answer.body ?? []) for (const byte of chunk) if (byte === 10) lines++
  const seconds = (performance.now() - started) / 1000
  const { peak_mb } = await watch.end()
  const isWhole = lines === million + 1
  return [
    {
      name: `CSV export of ${(lines - 1).toLocaleString('en')} cards`,
      value: seconds,
      unit: 's',
      bar: '≤ 60',
      reached: isWhole && seconds <= 60,
    },
    {
      name: 'the same: growth of the server’s memory',
      value: peak_mb - before_mb,
      unit: 'MB',
      bar: 'flat: ≤ 64',
      reached: peak_mb - before_mb <= 64,
    },
  ]
}

async function killHalfWay(first: Banyan, templateId: string) {
  const { id } = await makeBatch(first, templateId, 'killed')
  await first.api('POST', `/api/v1/cards/batches/${id}/generate`)
  await untilGenerated(first, id, million / 2)
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const banyan = await first.restart()
  const { generated } = await find(banyan, id)
  await untilGenerated(banyan, id, million)
  const client = new pg.Client({ connectionString: connectEmbedded(banyan.dataDir) ?? '' })
  await client.connect()
  const { rows } = await client.query<{ cards: number; codes: number; last: number }>(
    'SELECT count(*)::int AS cards, count(DISTINCT code_hash)::int AS codes, max(number) AS last FROM cards_card WHERE batch_id = $1',
    [id],
  )
  await client.end()
  const { cards = 0, codes = 0, last = 0 } = rows[0] ?? {}
  const figures: Figure[] = [
    {
      name: `distinct codes after a kill -9 at ${generated.toLocaleString('en')} and a resume`,
      value: codes,
      unit: 'codes',
      bar: 'exactly 1,000,000',
      reached: codes === million && cards === million && last === million && generated < million,
    },
  ]
  return { banyan, figures }
}

async function untilGenerated(banyan: Banyan, id: string, count: number): Promise<void> {
  const deadline = Date.now() + 600_000
  for (;;) {
    const { generated, state } = await find(banyan, id)
    if (generated >= count && (count < million || state === 'ready')) return
    if (Date.now() > deadline) throw new Error(`Only ${generated} of ${count} cards after ten minutes`)
    await new Promise(resolve => setTimeout(resolve, sampleEvery_ms))
  }
}

/** The most memory that a process has while it works, and how long others wait for it meanwhile. */
function watchProcess({ pid, url }: Banyan) {
  const waits: number[] = []
  let peak = residentKilobytes(pid)
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      peak = Math.max(peak, residentKilobytes(pid))
      const asked = performance.now()
      await (await fetch(`${url}/health`)).arrayBuffer()
      waits.push(performance.now() - asked)
      await new Promise(resolve => setTimeout(resolve, sampleEvery_ms / 2))
    }
  })()
  return {
    async end() {
      isOver = true
      await watching
      return { peak_mb: peak / 1024, p99_ms: percentile(waits, 0.99) }
    },
  }
}
