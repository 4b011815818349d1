import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { readUpload } from '#core/http/upload.ts'
import type { Catalogue } from '../catalogue.ts'
import type { devicesSettings } from '../config.ts'
import type { Imports } from '../imports.ts'
import { Batch, DeviceType, ImportView, JsonObject } from '../views.ts'

const base = '/api/v1/devices'
const read = 'devices.registry.read'
const manage = 'devices.registry.manage'
const params = z.object({ id: z.uuid() })
const megabyte = 1024 * 1024

const TypeFields = z.object({
  key: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/),
  name: z.string().min(1).max(60),
  category: z.string().min(1).max(40),
  description: z.string().max(2000).optional(),
  properties_schema: JsonObject.optional(),
  capabilities: z.array(z.string().min(1).max(40)).max(50).optional(),
})
const Serial = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/)
const BatchFields = z.object({
  name: z.string().min(1).max(100),
  factory: z.string().max(100).optional(),
  produced_on: z.iso.date().nullable().optional(),
  serial_from: Serial.nullable().optional(),
  serial_to: Serial.nullable().optional(),
  requires_proof: z.boolean().optional(),
  notes: z.string().max(2000).optional(),
})

/** Types and production batches. */
export function catalogueRoutes(
  router: Router,
  deps: { catalogue: Catalogue; imports: Imports; settings: Settings<typeof devicesSettings> },
) {
  const { catalogue, imports, settings } = deps
  router.route({
    method: 'GET',
    path: `${base}/types`,
    access: read,
    summary: 'Types of devices',
    response: pageOf(DeviceType),
    handler: async () => ({ items: await catalogue.types(), next_cursor: null }),
  })
  router.route({
    method: 'POST',
    path: `${base}/types`,
    access: manage,
    summary: 'Make a type of devices',
    idempotent: true,
    body: TypeFields,
    response: DeviceType,
    status: 201,
    handler: ({ body }) => catalogue.createType(body),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/types/:id`,
    access: manage,
    summary: 'Change a type of devices',
    params,
    body: TypeFields.partial().extend({ is_default: z.literal(true).optional() }),
    response: DeviceType,
    handler: ({ params: { id }, body }) => catalogue.updateType(id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/types/:id`,
    access: manage,
    summary: 'Delete a type that nothing is of',
    params,
    handler: ({ params: { id } }) => catalogue.removeType(id),
  })
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
  router.route({
    method: 'GET',
    path: `${base}/batches/:id/imports`,
    access: read,
    summary: 'Lists of devices that were imported into a batch',
    params,
    response: pageOf(ImportView),
    handler: async ({ actor, params: { id } }) => ({
      items: await imports.list(actor, id),
      next_cursor: null,
    }),
  })
  router.route({
    method: 'POST',
    path: `${base}/batches/:id/imports`,
    access: manage,
    summary: 'Import a list of devices (multipart CSV: mac, serial, hmac_key)',
    params,
    upload: true,
    response: ImportView,
    status: 202,
    handler({ actor, params: { id }, request, signal }) {
      const max_bytes = settings.DEVICES_IMPORT_MAX_MB * megabyte
      return readUpload(request, max_bytes + 1, ({ file, filename }) =>
        imports.start(actor, id, { name: filename ?? '', content: file, max_bytes, signal }),
      )
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/imports/:id`,
    access: read,
    summary: 'How an import went, with the lines that were not taken',
    params,
    response: ImportView,
    handler: ({ actor, params: { id } }) => imports.read(actor, id),
  })
}
