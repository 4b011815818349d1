import { Readable } from 'node:stream'
import { z } from 'zod'
import { contentDisposition } from '#core/http/download.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Memory } from '../contract.ts'
import { type Memories, MemorySettings } from './memories.ts'

const base = '/api/v1/chat/memories'
const access = 'chat.use'
const OfBot = z
  .union([z.uuid(), z.literal('none')])
  .optional()
  .describe('Of one bot; `none`: of talks without one.')

const botOf = (given: string | undefined): string | null | undefined => (given === 'none' ? null : given)

export function memoryRoutes(router: Router, memories: Memories) {
  router.route({
    method: 'GET',
    path: base,
    access,
    summary: 'What bots remember of oneself, the newest first',
    query: PageQuery.extend({
      bot_id: OfBot,
      q: z.string().max(200).optional(),
      is_current: z.boolean().default(true).describe('False: with what has been superseded.'),
    }),
    response: pageOf(Memory),
    handler: ({ actor, query }) => memories.list(actor, { ...query, bot_id: botOf(query.bot_id) }),
  })
  router.route({
    method: 'DELETE',
    path: base,
    access,
    summary: 'Have everything forgotten, or everything that one bot remembers',
    query: z.object({ bot_id: OfBot }),
    handler: ({ actor, query }) => memories.removeAll(actor, botOf(query.bot_id)),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/:id`,
    access,
    summary: 'Have one fact forgotten, and what it took the place of',
    params: z.object({ id: z.uuid() }),
    handler: ({ actor, params: { id } }) => memories.remove(actor, id),
  })
  router.route({
    method: 'GET',
    path: `${base}/export`,
    access,
    summary: 'All that is remembered, with its history, as one JSON file',
    raw: true,
    handler({ actor, reply }) {
      const { name, pieces } = memories.export(actor)
      return reply
        .headers({
          'content-type': 'application/json',
          'content-disposition': contentDisposition('attachment', name),
          'cache-control': 'no-store',
        })
        .send(Readable.from(pieces))
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/settings`,
    access,
    summary: 'Whether bots may remember',
    response: MemorySettings,
    handler: ({ actor }) => memories.settings(actor),
  })
  router.route({
    method: 'PUT',
    path: `${base}/settings`,
    access,
    summary: 'Let bots remember, or stop them; what they know stays until it is deleted, unused',
    body: MemorySettings,
    response: MemorySettings,
    handler: ({ actor, body }) => memories.putSettings(actor, body),
  })
}
