import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import { contentDisposition } from '#core/http/download.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import { rangeAnswer, rangeOf } from '#core/http/range.ts'
import type { Router } from '#core/http/route.ts'
import { readUpload } from '#core/http/upload.ts'
import type { devicesSettings } from '../config.ts'
import { Firmware, type Releases } from '../firmware.ts'

const base = '/api/v1/devices'
const access = 'devices.firmware.manage'
const params = z.object({ id: z.uuid() })
const megabyte = 1024 * 1024

export function firmwareRoutes(
  router: Router,
  { releases, settings }: { releases: Releases; settings: Settings<typeof devicesSettings> },
) {
  router.route({
    method: 'GET',
    path: `${base}/firmware-releases`,
    access,
    summary: 'Firmware, newest first',
    query: PageQuery.extend({ type_id: z.uuid().optional() }),
    response: pageOf(Firmware),
    handler: ({ query }) => releases.list(query),
  })
  router.route({
    method: 'POST',
    path: `${base}/firmware-releases`,
    access,
    summary: 'Upload firmware (multipart), as a draft that no device gets yet',
    query: z.object({ type_id: z.uuid(), version: z.string().min(1).max(40) }),
    upload: true,
    response: Firmware,
    status: 201,
    handler({ actor, query, request, signal }) {
      const max_bytes = settings.DEVICES_FIRMWARE_MAX_MB * megabyte
      return readUpload(request, max_bytes + 1, ({ file, filename }) =>
        releases.upload(actor, query, { name: filename ?? '', content: file, max_bytes, signal }),
      )
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/firmware-releases/:id`,
    access,
    summary: 'Firmware, and how many devices run it',
    params,
    response: Firmware,
    handler: ({ params: { id } }) => releases.read(id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/firmware-releases/:id`,
    access,
    summary: 'Roll firmware out, further or less far, pause it, or withdraw it',
    params,
    body: z.object({
      state: z.enum(['rolling', 'paused', 'withdrawn']).optional(),
      percent: z.int().min(0).max(100).optional(),
      group_id: z.uuid().nullable().optional(),
      is_forced: z.boolean().optional(),
      min_version: z.string().min(1).max(40).nullable().optional(),
      notes: z.string().max(5000).optional(),
    }),
    response: Firmware,
    handler: ({ params: { id }, body }) => releases.update(id, body),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/firmware-releases/:id`,
    access,
    summary: 'Delete a draft, or firmware that was withdrawn',
    params,
    handler: ({ params: { id } }) => releases.remove(id),
  })
  router.route({
    method: 'GET',
    path: `${base}/firmware-files/:token`,
    access: 'public',
    summary: 'A firmware file, at the address that start-up gave to a device; ranges are served',
    params: z.object({ token: z.string().min(1).max(200) }),
    raw: true,
    async handler({ params: { token }, request, reply }) {
      const range = await rangeOf(request.headers.range, () => releases.sizeOf(token))
      const { file, file_name, sha256 } = await releases.open(token, range)
      const { status, headers } = rangeAnswer(file, range)
      return reply
        .status(status)
        .headers({
          ...headers,
          'content-type': 'application/octet-stream',
          'content-disposition': contentDisposition('attachment', file_name || 'firmware.bin'),
          etag: `"${sha256}"`,
          'cache-control': 'private, max-age=86400',
        })
        .send(file.stream)
    },
  })
}
