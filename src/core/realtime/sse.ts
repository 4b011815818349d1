import type { FastifyReply } from 'fastify'
import type { Actor } from '#core/http/route.ts'
import { type Closing, closings } from './connections.ts'
import type { Realtime } from './realtime.ts'

/** Unsent bytes at which a reader counts as too slow. */
const bufferCap = 4 * 1024 * 1024
/** Comments keep proxies from taking silence for death. */
const heartbeat = Buffer.from(': still here\n\n')

export type StreamOptions = {
  hub: Realtime
  /** Already authorised. */
  channel: string
  actor: Actor
  /** `epoch:offset` to continue after. */
  from?: string | undefined
  reply: FastifyReply
}

/**
 * Answers with the channel as server-sent events: first `subscribed`, then a message each with `id: epoch:offset`.
 * Resolves when the stream has begun; it ends when the client goes, or with a `retry:` hint when the server does.
 * @throws {AppError} `realtime.too_many_connections`, before anything is sent.
 */
export async function streamChannel({ hub, channel, actor, from, reply }: StreamOptions): Promise<void> {
  const { raw } = reply
  let detach: (() => void) | undefined
  let isOver = false
  const end = () => {
    isOver = true
    remove()
    detach?.()
  }
  const close = (closing: Closing) => {
    if (isOver) return
    end()
    hub.connections.dropped(closing)
    raw.end(farewell(closing))
    // One that does not read would keep the socket, and what is buffered for it, for ever.
    if (closing === 'too_slow') setTimeout(() => raw.destroy(), 5000).unref()
  }
  const write = (chunk: Buffer | string) => {
    if (isOver) return
    raw.write(chunk)
    if (raw.writableLength > bufferCap) close('too_slow')
  }
  const remove = hub.connections.add({ kind: 'sse', actor, close, heartbeat: () => write(heartbeat) })
  raw.once('close', end)
  reply.hijack()
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would otherwise collect the stream.
    'x-accel-buffering': 'no',
  })
  detach = await hub.attach(channel, from, {
    ready(position, recovered) {
      const data = JSON.stringify({ type: 'subscribed', channel, position, recovered })
      write(`event: subscribed\nid: ${position}\ndata: ${data}\n\n`)
    },
    batch: batch => write(batch.serverSentEvents),
  })
  if (isOver) detach()
}

function farewell(closing: Closing): string {
  if (closing === 'restart' || closing === 'renewal')
    return `retry: ${1000 + Math.round(Math.random() * 2000)}\n\n`
  const { code, reason } = closings[closing]
  return `event: closed\ndata: ${JSON.stringify({ type: 'closed', code, reason })}\n\n`
}
