import { fileURLToPath } from 'node:url'
import { connectEmbedded } from '#core/db/embedded.ts'
import { startBanyan } from './banyan.ts'
import { requestsPerSecond } from './load.ts'
import { freePort, median, start } from './processes.ts'
import type { Figure } from './run.ts'

const connections = 32
const rounds = 5

/**
 * Requests a second for a page of 20 conversations, signed in, against a bare Fastify route with the same query.
 * The second page is asked for: the first comes from the cache, which would be no comparison.
 */
export async function benchList(seconds: number): Promise<Figure[]> {
  const banyan = await startBanyan({ LOG_LEVEL: 'info' })
  try {
    const me = await banyan.api<{ id: string }>('GET', '/api/v1/users/me')
    for (let index = 0; index < 60; index++) {
      await banyan.api('POST', '/api/v1/chat/conversations', { title: `Conversation number ${index}` })
    }
    type Page = { items: { id: string; last_message_at: string }[]; next_cursor: string }
    const first = await banyan.api<Page>('GET', '/api/v1/chat/conversations?limit=20')
    const lastOfFirst = first.items.at(-1)
    const bare = await start(
      [process.execPath, fileURLToPath(new URL('baselines/fastify-list.ts', import.meta.url))],
      await freePort(),
      { DATABASE_URL: connectEmbedded(banyan.dataDir) ?? '' },
      '/health',
    )
    const query = new URLSearchParams({
      before: lastOfFirst?.last_message_at ?? '',
      id: lastOfFirst?.id ?? '',
    })
    const bareUrl = `${bare.url}/users/${me.id}/conversations?${query}`
    const list = `${banyan.url}/api/v1/chat/conversations?limit=20`
    const run = (url: string, headers: Record<string, string> = {}) =>
      requestsPerSecond([url], headers, { connections, seconds })
    await run(bareUrl)
    await run(`${list}&cursor=${first.next_cursor}`, banyan.headers)
    const results = { bare: [] as number[], page: [] as number[], cached: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      results.bare.push(await run(bareUrl))
      results.page.push(await run(`${list}&cursor=${first.next_cursor}`, banyan.headers))
      results.cached.push(await run(list, banyan.headers))
    }
    await bare.stop()
    const base = median(results.bare)
    return [
      {
        name: 'list of 20 conversations, signed in, from the database',
        value: median(results.page),
        unit: 'requests/s',
        baseline: base,
        baselineName: 'bare Fastify + pg',
        ratio: median(results.page) / base,
        bar: '≥ 0.60',
        reached: median(results.page) / base >= 0.6,
      },
      {
        name: 'the same, first page (from the cache)',
        value: median(results.cached),
        unit: 'requests/s',
        baseline: base,
        baselineName: 'bare Fastify + pg',
        ratio: median(results.cached) / base,
      },
    ]
  } finally {
    await banyan.stop()
  }
}
