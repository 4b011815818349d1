import type { Following, Wire } from './realtime.ts'

/** Opens `POST /realtime/stream` for these channels; rejects with an error whose `status` is the answer's. */
export type AskForStream = (channels: Following[], signal: AbortSignal) => Promise<Response>

/** Close codes of the WebSocket door, for answers that say the same. */
const codeOf: Record<number, number> = { 401: 4001, 429: 4029 }
const lost = 1006

/**
 * Channels as server-sent events, for networks that block WebSockets. Looks like a socket that only listens: what a
 * WebSocket would bring as a frame comes as an event's data, and the server's signs of life as empty messages.
 */
export function openEventStream(ask: AskForStream, channels: Following[]): Wire {
  const stop = new AbortController()
  const wire: Wire = {
    close: () => stop.abort(),
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
  }
  read().then(
    code => wire.onclose?.({ code }),
    (error: unknown) => {
      if (!stop.signal.aborted) wire.onclose?.({ code: codeOf[statusOf(error)] ?? lost })
    },
  )
  return wire

  async function read(): Promise<number> {
    const { body } = await ask(channels, stop.signal)
    if (!body) return lost
    wire.onopen?.(undefined as never)
    let code = lost
    for await (const data of eventsOf(body)) {
      if (stop.signal.aborted) break
      code = closeCode(data) ?? code
      wire.onmessage?.({ data })
    }
    return code
  }
}

/** The data of each event; empty for what has none, such as the comments that keep the connection open. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader()
  let rest = ''
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      // The server ends lines with a single line feed, and data has none inside.
      const events = (rest + part.value).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) yield dataOf(event)
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

// No regular expression: its lines would also end at U+2028, which JSON leaves as it is.
const dataOf = (event: string): string =>
  event
    .split('\n')
    .find(line => line.startsWith('data: '))
    ?.slice('data: '.length) ?? ''

/** Why the server ends the stream, if this event says so. */
function closeCode(data: string): number | undefined {
  if (!data.startsWith('{"type":"closed"')) return undefined
  return (JSON.parse(data) as { code: number }).code
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 0
}
