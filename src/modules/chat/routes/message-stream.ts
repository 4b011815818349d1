import { once } from 'node:events'
import type { FastifyReply } from 'fastify'
import { invalidInput } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { FollowStep, TextPosition } from '../follow-message.ts'
import type { Started } from '../turns.ts'

/** Milliseconds that a reader may leave its socket full. */
const drainTime = 60_000

/** Where a reader stands, as the `id` of its events says: `c<content>.r<reasoning>`, in UTF-16 units. */
const formatPosition = ({ content, reasoning }: TextPosition): string => `c${content}.r${reasoning}`

const noPosition = {
  en: 'Must be a position such as c120.r0, or a number.',
  'zh-CN': '应为位置（例如 c120.r0）或数字。',
}

/** Reads that back, or a bare number: the offset in the content. Nothing at all is the beginning. */
export function parsePosition(given: string | undefined): TextPosition {
  const [, content, reasoning] = /^(?:c?(\d{1,9}))(?:\.r(\d{1,9}))?$/.exec(given ?? '0') ?? []
  if (content === undefined)
    throw invalidInput({}, { issues: [{ pointer: '/query/from', detail: noPosition }] })
  return { content: Number(content), reasoning: Number(reasoning ?? 0) }
}

const event = (name: string, data: object, id?: string): string =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`

/**
 * Sends an answer as server-sent events: `started` with both messages when they are given, `delta` for each piece,
 * `done` with the whole message. Ends early with a `retry:` hint when the server stops; the client comes back with
 * `Last-Event-ID`.
 * @throws {AppError} `realtime.too_many_connections`, and what `follow` throws, before anything is sent.
 */
export async function sendMessageStream(options: {
  hub: Realtime
  actor: Actor
  reply: FastifyReply
  started?: Started
  follow: (signal: AbortSignal) => Promise<AsyncGenerator<FollowStep>>
}): Promise<void> {
  const { hub, actor, reply, started } = options
  const { raw } = reply
  const gone = new AbortController()
  const steps = await options.follow(gone.signal)
  const remove = hub.connections.add({
    kind: 'sse',
    actor,
    heartbeat: () => raw.write(': still here\n\n'),
    close: () => {
      gone.abort()
      raw.end(`retry: ${1000 + Math.round(Math.random() * 2000)}\n\n`)
    },
  })
  raw.once('close', () => gone.abort())
  reply.hijack()
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would otherwise collect the stream.
    'x-accel-buffering': 'no',
  })
  try {
    if (started) raw.write(event('started', started))
    for await (const step of steps) {
      const isFull = !raw.write(textOf(step))
      if (isFull)
        await once(raw, 'drain', { signal: AbortSignal.any([gone.signal, AbortSignal.timeout(drainTime)]) })
    }
    raw.end()
  } catch {
    // The head is sent: all that can still be said is that the stream breaks off here.
    raw.destroy()
  } finally {
    remove()
  }
}

function textOf(step: FollowStep): string {
  if (step.type === 'done') return event('done', step.message)
  const { type: _, ...piece } = step
  const content = piece.content_offset + piece.content.length
  const reasoning = piece.reasoning_offset + piece.reasoning.length
  return event('delta', piece, formatPosition({ content, reasoning }))
}
