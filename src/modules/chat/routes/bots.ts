import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { AppError, isAbort, translateError } from '#core/errors.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Actor, Router } from '#core/http/route.ts'
import type { Log } from '#core/log.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { BotAnswers, BotStep } from '../bot-answers.ts'
import { Bot, BotFields, type Bots } from '../bots.ts'
import { turnFailed } from '../contract.ts'
import type { Quota } from '../quota.ts'

const base = '/api/v1/chat/bots'
const access = 'chat.use'
const params = z.object({ id: z.uuid() })

export function botRoutes(
  router: Router,
  deps: { bots: Bots; botAnswers: BotAnswers; quota: Quota; hub: Realtime; log: Log },
) {
  const { bots, botAnswers, quota } = deps
  router.route({
    method: 'GET',
    path: base,
    access,
    summary: 'Own bots, then public ones',
    query: PageQuery,
    response: pageOf(Bot),
    handler: ({ actor, query }) => bots.list(actor, query),
  })
  router.route({
    method: 'POST',
    path: base,
    access,
    summary: 'Make a bot',
    idempotent: true,
    body: BotFields,
    response: Bot,
    status: 201,
    handler: ({ actor, body }) => bots.create(actor, body),
  })
  router.route({
    method: 'GET',
    path: `${base}/:id`,
    access,
    summary: 'One bot',
    params,
    response: Bot,
    handler: ({ actor, params: { id } }) => bots.get(actor, id),
  })
  router.route({
    method: 'PUT',
    path: `${base}/:id`,
    access,
    summary: 'Change an own bot; conversations with it follow from their next answer on',
    params,
    body: BotFields,
    response: Bot,
    handler: ({ actor, params: { id }, body }) => bots.replace(actor, id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/:id`,
    access,
    summary: 'Delete an own bot; conversations with it stay, without a bot',
    params,
    handler: ({ actor, params: { id } }) => bots.remove(actor, id),
  })
  router.route({
    method: 'POST',
    path: `${base}/:id/ask`,
    access,
    summary: 'One question without a conversation; streamed with Accept: text/event-stream',
    rate: 'ai',
    params,
    body: z.object({ content: z.string().max(500_000) }),
    raw: true,
    async handler({ actor, params: { id }, body, signal, request, reply }) {
      reply.headers(await quota.headers(actor))
      const gone = new AbortController()
      const steps = await botAnswers.ask(actor, id, body, AbortSignal.any([signal, gone.signal]))
      if (request.headers.accept?.includes('text/event-stream'))
        return sendSteps({ ...deps, actor, reply, steps, gone })
      for await (const step of steps) if (step.type === 'done') return reply.send(step.answer)
    },
  })
}

const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/**
 * `delta` for each piece, then `done` with the whole answer, or `error` with a code and a text. What fails before the
 * first piece is an ordinary problem.
 */
async function sendSteps(options: {
  hub: Realtime
  log: Log
  actor: Actor
  reply: FastifyReply
  steps: AsyncGenerator<BotStep>
  gone: AbortController
}): Promise<void> {
  const { hub, actor, reply, steps, gone } = options
  const { raw } = reply
  const first = await steps.next()
  const remove = hub.connections.add({
    kind: 'sse',
    actor,
    heartbeat: () => raw.write(': still here\n\n'),
    close: () => gone.abort(),
  })
  reply.hijack()
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would otherwise collect the stream.
    'x-accel-buffering': 'no',
  })
  try {
    for (let step = first; !step.done; step = await steps.next()) {
      const { type, ...data } = step.value
      raw.write(event(type, 'answer' in data ? data.answer : data))
    }
  } catch (error) {
    const problem = error instanceof AppError ? error : turnFailed()
    if (problem !== error && !isAbort(error)) options.log.error({ error }, 'a bot could not answer')
    raw.write(event('error', { code: problem.code, detail: translateError(problem, actor.locale) }))
  } finally {
    remove()
    raw.end()
  }
}
