import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import type { Router } from '#core/http/route.ts'
import { type Quota, QuotaState } from '../quota.ts'

const access = 'chat.use'

const Model = z
  .object({
    id: z.string(),
    name: z.string(),
    provider: z.string(),
    context_window: z.int().describe('Tokens.'),
    capabilities: z.object({
      vision: z.boolean(),
      tools: z.boolean(),
      reasoning: z.boolean(),
      json: z.boolean(),
    }),
    is_default: z.boolean(),
  })
  .meta({ id: 'ChatModel' })

/** What a user may choose among, and how much of it is left. */
export function modelRoutes(router: Router, { ai, quota }: { ai: Ai; quota: Quota }) {
  router.route({
    method: 'GET',
    path: '/api/v1/chat/models',
    access,
    summary: 'The models to choose among',
    response: z.object({ items: z.array(Model) }),
    handler: async ({ actor }) => ({ items: await ai.modelsFor(actor.user_id, 'chat') }),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/chat/quota',
    access,
    summary: 'What is left of each limit',
    response: QuotaState,
    handler: ({ actor }) => quota.get(actor.user_id),
  })
}
