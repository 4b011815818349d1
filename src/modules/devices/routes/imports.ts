import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import { pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { readUpload } from '#core/http/upload.ts'
import type { devicesSettings } from '../config.ts'
import type { Imports } from '../imports.ts'
import { ImportView } from '../views.ts'

const base = '/api/v1/devices'
const read = 'devices.registry.read'
const manage = 'devices.registry.manage'
const params = z.object({ id: z.uuid() })
const megabyte = 1024 * 1024

/** Lists of devices, as factories send them with a batch. */
export function importRoutes(
  router: Router,
  { imports, settings }: { imports: Imports; settings: Settings<typeof devicesSettings> },
) {
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
