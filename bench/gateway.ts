import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { type Banyan, startBanyan } from './banyan.ts'
import { streamOnce } from './load.ts'
import { cpuSeconds, freePort, median, percentile, type Running, start } from './processes.ts'
import type { Figure } from './run.ts'

const streams = 50
const pace = 20
const rounds = 3

type Way = { name: string; server: Running; url: string; headers: Record<string, string> }

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** What the gateway costs: processor time for each streamed chunk, and delay of the first one. */
export async function benchGateway(seconds: number): Promise<Figure[]> {
  const chunks = Math.round((seconds * 1000) / pace)
  const sizes = { CHUNKS: String(chunks), PACE: String(pace) }
  const upstream = await startUpstream({ ...sizes, IN_STEP: '1' })
  const ownTime = await startUpstream(sizes)
  const bare = await start([process.execPath, script('baselines/undici-pass-through.ts')], await freePort(), {
    UPSTREAM: upstream.url,
  })
  const portkeyPort = await freePort()
  const portkey = await start(
    [
      process.execPath,
      script('../node_modules/@portkey-ai/gateway/build/start-server.js'),
      `--port=${portkeyPort}`,
      '--headless',
    ],
    portkeyPort,
  )
  const banyan = await startBanyan({
    OPENAI_COMPATIBLE_URL: `${upstream.url}/v1`,
    AI_DEFAULT_MODEL: 'bench',
  })
  const delayed = await startBanyan({
    OPENAI_COMPATIBLE_URL: `${ownTime.url}/v1`,
    AI_DEFAULT_MODEL: 'bench',
  })
  try {
    await raiseLimits(banyan)
    await raiseLimits(delayed)
    const ways: Way[] = [
      { name: 'bare undici pass-through', server: bare, url: bare.url, headers: {} },
      {
        name: '@portkey-ai/gateway',
        server: portkey,
        url: portkey.url,
        headers: {
          'x-portkey-provider': 'openai',
          'x-portkey-custom-host': `${upstream.url}/v1`,
          authorization: 'Bearer none',
        },
      },
      { name: 'Banyan', server: banyan, url: banyan.url, headers: banyan.headers },
    ]
    const cpu = await cpuPerChunk(ways)
    const delays = await addedDelays(ownTime.url, delayed, seconds)
    const [bareCpu = 0, portkeyCpu = 0, ownCpu = 0] = cpu
    const round = (value: number) => Math.round(value * 100) / 100
    return [
      {
        name: 'gateway: CPU per streamed chunk, metering on',
        value: round(ownCpu),
        unit: 'µs',
        baseline: round(bareCpu),
        baselineName: 'bare undici pass-through',
        ratio: ownCpu / bareCpu,
        bar: '≤ 1.5',
        reached: ownCpu / bareCpu <= 1.5,
      },
      {
        name: 'gateway: CPU per streamed chunk, metering on',
        value: round(ownCpu),
        unit: 'µs',
        baseline: round(portkeyCpu),
        baselineName: '@portkey-ai/gateway',
        ratio: ownCpu / portkeyCpu,
        bar: '≤ 0.5',
        reached: ownCpu / portkeyCpu <= 0.5,
      },
      ...delays,
    ]
  } finally {
    await Promise.all([banyan.stop(), delayed.stop()])
    await Promise.all([portkey, bare, upstream, ownTime].map(server => server.stop()))
  }
}

const startUpstream = async (env: Record<string, string>): Promise<Running> =>
  start([process.execPath, script('upstream.ts')], await freePort(), env, '/v1/models')

/** Limits that are counted and never reached. */
async function raiseLimits(banyan: Banyan): Promise<void> {
  const me = await banyan.api<{ id: string }>('GET', '/api/v1/users/me')
  const names = ['ai.requests_per_day', 'ai.requests_per_month', 'ai.tokens_per_day', 'ai.tokens_per_month']
  await banyan.api('PUT', `/api/v1/billing/users/${me.id}`, {
    plan: 'free',
    until: null,
    overrides: Object.fromEntries(names.map(name => [name, 1_000_000_000])),
  })
}

/** Microseconds of a server's processor time for each chunk that went through it, the median of some rounds. */
async function cpuPerChunk(ways: readonly Way[]): Promise<number[]> {
  const results: number[][] = ways.map(() => [])
  for (let round = -1; round < rounds; round++) {
    for (const [index, way] of ways.entries()) {
      const before = cpuSeconds(way.server.pid)
      const ended = await openStreams(way, streams)
      const used = cpuSeconds(way.server.pid) - before
      const events = ended.reduce((sum, stream) => sum + stream.events, 0)
      // The first round warms up.
      if (round >= 0) results[index]?.push((used / events) * 1e6)
    }
  }
  return results.map(median)
}

async function openStreams(way: Pick<Way, 'url' | 'headers'>, count: number) {
  const dispatcher = new Agent({ connections: count, pipelining: 1 })
  try {
    return await Promise.all(
      Array.from({ length: count }, () => streamOnce(way.url, way.headers, dispatcher)),
    )
  } finally {
    await dispatcher.close()
  }
}

/** Requests after which the code that they run is compiled. */
const warmUp = 500
/** At the beginning and the end of the streams nothing is measured. */
const edge_ms = 1000

/** Time to the first chunk through Banyan beside direct, while 50 paced streams run through it. */
async function addedDelays(
  upstreamUrl: string,
  banyan: { url: string; headers: Record<string, string> },
  seconds: number,
): Promise<Figure[]> {
  for (let index = 0; index < warmUp; index++) {
    await firstChunk(upstreamUrl, {})
    await firstChunk(banyan.url, banyan.headers)
  }
  const direct: number[] = []
  const through: number[] = []
  const background = openStreams(banyan, streams)
  // While they run: fifty requests in one instant, and fifty ends, are another question.
  await new Promise(resolve => setTimeout(resolve, edge_ms))
  const until = performance.now() + seconds * 1000 - 2 * edge_ms
  while (performance.now() < until) {
    direct.push(await firstChunk(upstreamUrl, {}))
    through.push(await firstChunk(banyan.url, banyan.headers))
  }
  await background
  const figure = (share: number, name: string, bar: number): Figure => {
    const value = percentile(through, share) - percentile(direct, share)
    return {
      name: `added time to first token, ${name}, ${streams} streams paced at ${pace} ms`,
      value: Math.round(value * 100) / 100,
      unit: 'ms',
      baseline: Math.round(percentile(direct, share) * 100) / 100,
      baselineName: 'direct',
      bar: `≤ ${bar} ms`,
      reached: value <= bar,
    }
  }
  return [figure(0.5, 'p50', 2), figure(0.99, 'p99', 10)]
}

const warm = new Agent({ connections: 8, pipelining: 1 })

/** Milliseconds to the first chunk of an answer that is read to its end, so that the connection is kept. */
async function firstChunk(url: string, headers: Record<string, string>): Promise<number> {
  const started = performance.now()
  const answer = await request(`${url}/v1/chat/completions`, {
    method: 'POST',
    dispatcher: warm,
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"model":"bench","stream":true,"max_tokens":1,"messages":[{"role":"user","content":"hello"}]}',
  })
  let elapsed = Number.NaN
  for await (const _ of answer.body) if (Number.isNaN(elapsed)) elapsed = performance.now() - started
  return elapsed
}
