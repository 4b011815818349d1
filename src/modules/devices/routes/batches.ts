import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import type { Catalogue } from '../catalogue.ts'
import { Batch } from '../views.ts'

const base = '/api/v1/devices'
const read = 'devices.registry.read'
const manage = 'devices.registry.manage'
const params = z.object({ id: z.uuid() })
const Serial = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/)
const BatchFields = z.object({
  name: z.string().max(100).regex(/\S/),
  factory: z.string().max(100).optional(),
  produced_on: z.iso.date().nullable().optional(),
  serial_from: Serial.nullable().optional(),
  serial_to: Serial.nullable().optional(),
  requires_proof: z.boolean().optional(),
  notes: z.string().max(2000).optional(),
})

/** Production batches. */
export function batchRoutes(router: Router, { catalogue }: { catalogue: Catalogue }) {
  router.route({
    method: 'GET',
    path: `${base}/batches`,
    access: read,
    summary: 'Production batches, newest first',
    query: PageQuery,
    response: pageOf(Batch),
    handler: ({ query }) => catalogue.batches(query),
  })
  router.route({
    method: 'POST',
    path: `${base}/batches`,
    access: manage,
    summary: 'Make a production batch',
    idempotent: true,
    body: BatchFields.extend({ type_id: z.uuid() }),
    response: Batch,
    status: 201,
    handler: ({ body }) => catalogue.createBatch(body),
  })
  router.route({
    method: 'GET',
    path: `${base}/batches/:id`,
    access: read,
    summary: 'A production batch',
    params,
    response: Batch,
    handler: ({ params: { id } }) => catalogue.batch(id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/batches/:id`,
    access: manage,
    summary: 'Change a production batch',
    params,
    body: BatchFields.partial(),
    response: Batch,
    handler: ({ params: { id }, body }) => catalogue.updateBatch(id, body),
  })
}
