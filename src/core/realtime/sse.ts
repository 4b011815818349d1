import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { AppError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import type { Channels } from './channels.ts'
import { type Closing, closings } from './connections.ts'
import type { Realtime } from './realtime.ts'
import { errorText } from './websocket-client.ts'

/** Unsent bytes at which a reader counts as too slow. */
const bufferCap = 4 * 1024 * 1024
/** Unsent bytes above which the next channel, with its replay, waits. */
const calmBuffer = 256 * 1024
/** Comments keep proxies from taking silence for death. */
const heartbeat = Buffer.from(': still here\n\n')

type StreamOptions = { hub: Realtime; actor: Actor; reply: FastifyReply }

/** One channel that a stream follows, after the message `from` (`epoch:offset`) or from now on. */
export type Following = { channel: string; from?: string | undefined }

/**
 * Answers with the channel, which the actor may follow, as server-sent events: first `subscribed`, then a message each
 * with `id: epoch:offset`. Resolves when the stream has begun; it ends when the client goes, or with a `retry:` hint
 * when the server does.
 * @throws {AppError} `realtime.too_many_connections`, before anything is sent.
 */
export async function streamChannel({ channel, from, ...options }: StreamOptions & Following): Promise<void> {
  const stream = openStream(options)
  const leave = await options.hub.attach(channel, from, {
    ready(position, recovered) {
      const data = JSON.stringify({ type: 'subscribed', channel, position, recovered })
      stream.write(`event: subscribed\nid: ${position}\ndata: ${data}\n\n`)
    },
    batch: batch => stream.write(batch.serverSentEvents),
  })
  stream.onEnd(leave)
}

/**
 * Answers with several channels in one stream, for clients that cannot have a WebSocket: each event's data is a frame
 * as a WebSocket would bring it. A channel that the actor may not follow gets an error frame; the others go on.
 * @throws {AppError} `realtime.too_many_connections`, before anything is sent.
 */
export async function streamChannels({
  channels,
  following,
  ...options
}: StreamOptions & { channels: Channels; following: readonly Following[] }): Promise<void> {
  const { hub, actor } = options
  const stream = openStream(options)
  for (const { channel, from } of following) {
    await stream.calm()
    if (stream.isOver()) return
    try {
      await channels.authorize(actor, channel)
      const leave = await hub.attach(channel, from, {
        ready(position, recovered) {
          const frame = JSON.stringify({ type: 'subscribed', channel, position, recovered })
          stream.write(`data: ${frame}\n\n`)
        },
        batch: batch => stream.write(batch.frameEvent),
      })
      stream.onEnd(leave)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      stream.write(`data: ${errorText(error, actor.locale, channel)}\n\n`)
    }
  }
}

function openStream({ hub, actor, reply }: StreamOptions) {
  const { raw } = reply
  const endings: (() => void)[] = []
  let isOver = false
  const end = () => {
    isOver = true
    remove()
    for (const ending of endings.splice(0)) ending()
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
  return {
    write,
    isOver: () => isOver,
    /** Called once: when the stream ends, or now if it has. */
    onEnd(ending: () => void) {
      if (isOver) ending()
      else endings.push(ending)
    },
    calm: () => calm(raw, () => isOver),
  }
}

/** Many replays at once would look like a slow reader. */
async function calm(raw: ServerResponse, isOver: () => boolean): Promise<void> {
  while (!isOver() && raw.writableLength > calmBuffer) {
    const waiting = new AbortController()
    const { signal } = waiting
    await Promise.race([once(raw, 'drain', { signal }), once(raw, 'close', { signal })])
    waiting.abort()
  }
}

function farewell(closing: Closing): string {
  if (closing === 'restart' || closing === 'renewal')
    return `retry: ${1000 + Math.round(Math.random() * 2000)}\n\n`
  const { code, reason } = closings[closing]
  return `event: closed\ndata: ${JSON.stringify({ type: 'closed', code, reason })}\n\n`
}
