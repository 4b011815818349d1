import { Agent, request } from 'undici'

/** Asks for `urls` in turn over `connections` kept-alive connections; answers a second, errors not counted. */
export async function requestsPerSecond(
  urls: readonly string[],
  headers: Record<string, string>,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<number> {
  const dispatcher = new Agent({ connections, pipelining: 1 })
  const end = performance.now() + seconds * 1000
  let done = 0
  const started = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      for (let turn = index; performance.now() < end; turn++) {
        const answer = await request(urls[turn % urls.length] ?? '', { headers, dispatcher })
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

export type StreamResult = { first_ms: number; events: number; bytes: number }

/** One streamed completion: the time to its first event, and how many there were. */
export async function streamOnce(
  url: string,
  headers: Record<string, string>,
  dispatcher: Agent,
): Promise<StreamResult> {
  const started = performance.now()
  const answer = await request(`${url}/v1/chat/completions`, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"model":"bench","stream":true,"messages":[{"role":"user","content":"hello"}]}',
  })
  if (answer.statusCode !== 200)
    throw new Error(`${answer.statusCode} ${(await answer.body.text()).slice(0, 500)}`)
  let first_ms = 0
  let events = 0
  let bytes = 0
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    if (first_ms === 0) first_ms = performance.now() - started
    bytes += chunk.length
    for (let at = chunk.indexOf('\n\n'); at >= 0; at = chunk.indexOf('\n\n', at + 2)) events++
  }
  return { first_ms, events, bytes }
}
