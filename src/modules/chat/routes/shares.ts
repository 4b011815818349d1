import { z } from 'zod'
import { pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Share, SharedConversation, type Shares } from '../shares.ts'

const base = '/api/v1/chat'
const access = 'chat.use'
const params = z.object({ id: z.uuid() })

export function shareRoutes(router: Router, shares: Shares) {
  router.route({
    method: 'GET',
    path: `${base}/conversations/:id/shares`,
    access,
    summary: 'The links to a conversation, newest first',
    params,
    response: pageOf(Share),
    handler: async ({ actor, params: { id } }) => ({
      items: await shares.list(actor, id),
      next_cursor: null,
    }),
  })
  router.route({
    method: 'POST',
    path: `${base}/conversations/:id/shares`,
    access,
    summary: 'Share the branch that is shown, as it is now, by a link',
    idempotent: true,
    params,
    response: Share,
    status: 201,
    handler: ({ actor, params: { id } }) => shares.create(actor, id),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/shares/:id`,
    access,
    summary: 'Revoke a link',
    params,
    handler: ({ actor, params: { id } }) => shares.revoke(actor, id),
  })
  router.route({
    method: 'GET',
    path: `${base}/shared/:token`,
    access: 'public',
    summary: 'Read a shared conversation',
    params: z.object({ token: z.string().max(200) }),
    response: SharedConversation,
    handler({ params: { token }, reply }) {
      // The link is the secret: no search engine, cache or other site shall learn it.
      reply.headers({
        'x-robots-tag': 'noindex, nofollow, noarchive',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      })
      return shares.open(token)
    },
  })
}
