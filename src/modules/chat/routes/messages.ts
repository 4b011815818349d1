import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { RouteInput, Router } from '#core/http/route.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import { Message } from '../contract.ts'
import type { Messages } from '../messages.ts'
import type { Quota } from '../quota.ts'
import type { Started, Turns } from '../turns.ts'
import { parsePosition, sendMessageStream } from './message-stream.ts'

const base = '/api/v1/chat'
const access = 'chat.use'
const params = z.object({ id: z.uuid() })

const ClientMessageId = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\w.:-]+$/)
  .describe(
    'Chosen by the client. Sent again, it joins the turn that it began, and nothing is charged twice.',
  )
const Model = z.string().min(1).max(200)
const Answer = z.object({ user_message: Message, assistant_message: Message }).meta({ id: 'Turn' })

type Asked = Pick<RouteInput<undefined, undefined, undefined, string>, 'actor' | 'request' | 'reply'>

export function messageRoutes(
  router: Router,
  deps: { messages: Messages; turns: Turns; quota: Quota; hub: Realtime },
) {
  const { messages, turns, quota, hub } = deps

  /** 202 with both messages, or the answer's stream where the client asks for one. */
  async function answer({ actor, request, reply }: Asked, started: Started): Promise<Started> {
    reply.status(202).headers(await quota.headers(actor))
    if (request.headers.accept?.includes('text/event-stream')) {
      const { id } = started.assistant_message
      const follow = (signal: AbortSignal) => messages.follow(actor, id, { content: 0, reasoning: 0 }, signal)
      await sendMessageStream({ hub, actor, reply, started, follow })
    }
    return started
  }

  router.route({
    method: 'GET',
    path: `${base}/conversations/:id/messages`,
    access,
    summary: 'The branch that is shown, newest first',
    params,
    query: PageQuery,
    response: pageOf(Message),
    handler: ({ actor, params: { id }, query }) => messages.page(actor, id, query),
  })
  router.route({
    method: 'POST',
    path: `${base}/conversations/:id/messages`,
    access,
    summary: 'Ask; the answer is written in the background, or streamed with Accept: text/event-stream',
    rate: 'ai',
    params,
    body: z.object({
      client_message_id: ClientMessageId,
      content: z.string().max(500_000),
      parent_id: z
        .uuid()
        .nullish()
        .describe('Absent: under the leaf that is shown. Null: a new first question.'),
      attachment_ids: z.array(z.uuid()).max(20).optional(),
      model: Model.optional(),
    }),
    response: Answer,
    status: 202,
    raw: true,
    handler: async input => answer(input, await turns.send(input.actor, input.params.id, input.body)),
  })
  router.route({
    method: 'POST',
    path: `${base}/messages/:id/regenerate`,
    access,
    summary: 'Another answer to the same question',
    rate: 'ai',
    params,
    body: z.object({ client_message_id: ClientMessageId, model: Model.optional() }),
    response: Answer,
    status: 202,
    raw: true,
    handler: async input => answer(input, await turns.regenerate(input.actor, input.params.id, input.body)),
  })
  router.route({
    method: 'POST',
    path: `${base}/messages/:id/continue`,
    access,
    summary: 'Go on with an answer that was cut off',
    rate: 'ai',
    params,
    body: z.object({ client_message_id: ClientMessageId }),
    response: Answer,
    status: 202,
    raw: true,
    handler: async input => answer(input, await turns.continue(input.actor, input.params.id, input.body)),
  })
  router.route({
    method: 'POST',
    path: `${base}/messages/:id/stop`,
    access,
    summary: 'Stop an answer; what is written stays',
    params,
    response: z.object({}),
    status: 202,
    async handler({ actor, params: { id } }) {
      await turns.stop(actor, id)
      return {}
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/messages/:id`,
    access,
    summary: 'One message',
    params,
    response: Message,
    handler: ({ actor, params: { id } }) => messages.get(actor, id),
  })
  router.route({
    method: 'GET',
    path: `${base}/messages/:id/stream`,
    access,
    summary: 'A message from a position on, to its end, as server-sent events',
    params,
    query: z.object({
      from: z.string().max(40).optional().describe('c<content>.r<reasoning>, in UTF-16 units.'),
    }),
    raw: true,
    handler({ actor, params: { id }, query, request, reply }) {
      const last = request.headers['last-event-id']
      const from = parsePosition(typeof last === 'string' && last !== '' ? last : query.from)
      return sendMessageStream({
        hub,
        actor,
        reply,
        follow: signal => messages.follow(actor, id, from, signal),
      })
    },
  })
}
