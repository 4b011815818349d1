import { z } from 'zod'
import type { Ai } from '#core/ai/ai.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { pageOfList } from '../page.ts'

const Capabilities = z.object({
  vision: z.boolean(),
  tools: z.boolean(),
  reasoning: z.boolean(),
  json: z.boolean(),
})
const Price = z.number().min(0).max(100_000_000).nullable()
const modelId = z.string().min(1).max(200)

const fields = {
  provider_id: z.string().min(1).max(100),
  upstream_model: modelId.describe('The provider’s own name of it.'),
  name: z.string().max(200).regex(/\S/),
  kind: z.enum(['chat', 'embedding']),
  context_window: z.int().min(1).max(100_000_000).describe('Tokens.'),
  max_output: z.int().min(1).max(100_000_000).describe('Tokens.'),
  input_price: Price.describe('Hundredths of the currency per million tokens. Null: not known.'),
  output_price: Price,
  cached_price: Price.describe('Of prompt tokens that the provider had cached. Null: as input_price.'),
  currency: z.string().min(3).max(3),
  capabilities: Capabilities,
  audience: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(50)
    .describe('`everyone`, or roles and plans such as `vip`.'),
  fallbacks: z
    .array(modelId)
    .max(10)
    .describe('Models that stand in when the provider fails, in this order.'),
  is_enabled: z.boolean(),
  is_default: z.boolean().describe('For those who chose none; one of each kind.'),
}
const Model = z
  .object({
    id: z.string(),
    ...fields,
    provider: z.string().describe('The provider’s name.'),
    source: z
      .enum(['env', 'admin'])
      .describe('`env`: as its provider comes; `admin`: added or changed here.'),
    is_self_hosted: z.boolean(),
  })
  .meta({ id: 'AdminModel' })
const Changes = z.object({ ...fields, capabilities: Capabilities.partial() }).partial()
const Id = z.object({ id: modelId })

const access = 'admin.models.manage'
const path = '/api/v1/admin/models'

/** The catalogue of models. */
export function modelRoutes(router: Router, { models }: Ai): void {
  router.route({
    method: 'GET',
    path,
    access,
    summary: 'All models, switched off ones too',
    query: PageQuery.extend({ kind: fields.kind.optional(), provider_id: fields.provider_id.optional() }),
    response: pageOf(Model),
    async handler({ query: { kind, provider_id, ...page } }) {
      const all = await models.list()
      const wanted = all.filter(
        model => (!kind || model.kind === kind) && (!provider_id || model.provider_id === provider_id),
      )
      return pageOfList(wanted, page)
    },
  })

  router.route({
    method: 'POST',
    path,
    access,
    summary: 'Add a model of a provider',
    body: Changes.extend({
      id: modelId.describe('The public id, by which users ask for it.'),
      provider_id: fields.provider_id,
      upstream_model: fields.upstream_model,
    }),
    response: Model,
    status: 201,
    idempotent: true,
    handler: ({ body }) => models.create(body),
  })

  router.route({
    method: 'PATCH',
    path: `${path}/:id`,
    access,
    summary: 'Change a model, also one that came with its provider',
    params: Id,
    body: Changes,
    response: Model,
    handler: ({ params, body }) => models.update(params.id, body),
  })

  router.route({
    method: 'DELETE',
    path: `${path}/:id`,
    access,
    summary: 'Remove a model, or what was changed of one that came with its provider',
    params: Id,
    handler: ({ params }) => models.delete(params.id),
  })
}
