import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Conversation } from '../contract.ts'
import type { Conversations } from '../conversations.ts'

const base = '/api/v1/chat/conversations'
const access = 'chat.use'
const params = z.object({ id: z.uuid() })
const Title = z.string().max(200).regex(/\S/)
const Model = z.string().min(1).max(200)

export function conversationRoutes(router: Router, conversations: Conversations) {
  router.route({
    method: 'GET',
    path: base,
    access,
    summary: 'Own conversations: pinned first, then the latest',
    query: PageQuery.extend({ archived: z.boolean().default(false), folder_id: z.uuid().optional() }),
    response: pageOf(Conversation),
    handler: ({ actor, query }) => conversations.list(actor, query),
  })
  router.route({
    method: 'POST',
    path: base,
    access,
    summary: 'Begin a conversation',
    idempotent: true,
    body: z.object({
      title: Title.optional(),
      bot_id: z.uuid().nullish(),
      model: Model.nullish(),
      folder_id: z.uuid().nullish(),
      is_temporary: z.boolean().optional(),
    }),
    response: Conversation,
    status: 201,
    handler: ({ actor, body }) => conversations.create(actor, body),
  })
  router.route({
    method: 'GET',
    path: `${base}/:id`,
    access,
    summary: 'One conversation',
    params,
    response: Conversation,
    handler: ({ actor, params: { id } }) => conversations.get(actor, id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/:id`,
    access,
    summary: 'Rename, archive, pin, move, choose a model, or switch the branch',
    params,
    body: z.object({
      title: Title.optional(),
      is_archived: z.boolean().optional(),
      is_pinned: z.boolean().optional(),
      folder_id: z.uuid().nullish(),
      model: Model.nullish(),
      current_message_id: z.uuid().optional().describe('Any message: the newest leaf below it is shown.'),
    }),
    response: Conversation,
    handler: ({ actor, params: { id }, body }) => conversations.update(actor, id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/:id`,
    access,
    summary: 'Delete; it can be restored for a while',
    params,
    handler: ({ actor, params: { id } }) => conversations.remove(actor, id),
  })
  router.route({
    method: 'POST',
    path: `${base}/:id/restore`,
    access,
    summary: 'Undo a deletion',
    params,
    response: Conversation,
    handler: ({ actor, params: { id } }) => conversations.restore(actor, id),
  })
}
