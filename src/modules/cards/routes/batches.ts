import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Batch, BatchChange, type Batches, BatchInput, batchStates } from '../batches.ts'

const base = '/api/v1/cards/batches'
const access = 'cards.batches.manage'
const Id = z.object({ id: z.uuid() })

export function batchRoutes(router: Router, batches: Batches): void {
  router.route({
    method: 'GET',
    path: base,
    access,
    summary: 'Batches, newest first',
    query: PageQuery.extend({ template_id: z.uuid().optional(), state: z.enum(batchStates).optional() }),
    response: pageOf(Batch),
    handler: ({ actor, query }) => batches.list(actor, query),
  })
  router.route({
    method: 'POST',
    path: base,
    access,
    summary: 'Make a batch of a published template, as a draft',
    idempotent: true,
    body: BatchInput.extend({
      template_id: z.uuid(),
      template_version: z.int().min(1).max(2_147_483_647).optional().describe('The newest by default.'),
    }),
    response: Batch,
    status: 201,
    handler: ({ actor, body }) => batches.create(actor, body),
  })
  router.route({
    method: 'POST',
    path: '/api/v1/cards/batch-sets',
    access,
    summary: 'Make a batch for each template of a set, the quantity split by the weights of their rarities',
    idempotent: true,
    body: BatchInput.extend({ set_name: z.string().min(1).max(100) }),
    response: z.object({ items: z.array(Batch) }),
    status: 201,
    handler: ({ actor, body }) => batches.createForSet(actor, body),
  })
  router.route({
    method: 'GET',
    path: `${base}/:id`,
    access,
    summary: 'A batch',
    params: Id,
    response: Batch,
    handler: ({ params }) => batches.find(params.id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/:id`,
    access,
    summary: 'Change the name, channel or notes of a batch',
    params: Id,
    body: BatchChange,
    response: Batch,
    handler: ({ actor, params, body }) => batches.update(actor, params.id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/:id`,
    access,
    summary: 'Delete a draft',
    params: Id,
    handler: ({ actor, params }) => batches.remove(actor, params.id),
  })
  router.route({
    method: 'POST',
    path: `${base}/:id/generate`,
    access,
    summary: 'Make the cards in the background, or go on after a job that stopped',
    params: Id,
    response: Batch,
    status: 202,
    handler: ({ actor, params }) => batches.generate(actor, params.id),
  })
  const moves = [
    ['release', 'Let the cards be redeemed from now on', batches.release],
    ['freeze', 'Let no card be redeemed until the batch is released again', batches.freeze],
    ['void', 'End a batch for good: none of its cards can be redeemed any more', batches.makeVoid],
  ] as const
  for (const [name, summary, move] of moves)
    router.route({
      method: 'POST',
      path: `${base}/:id/${name}`,
      access,
      summary,
      params: Id,
      response: Batch,
      handler: ({ actor, params }) => move(actor, params.id),
    })
  router.route({
    method: 'DELETE',
    path: `${base}/:id/secret`,
    access: 'cards.exports.create',
    summary: 'Destroy what the codes are made from; cards that are out stay valid',
    params: Id,
    response: Batch,
    handler: ({ actor, params }) => batches.destroySecret(actor, params.id),
  })
}
