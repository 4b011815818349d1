import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import { contentDisposition } from '#core/http/download.ts'
import type { Router } from '#core/http/route.ts'
import { readUpload } from '#core/http/upload.ts'
import { type Attachments, attachmentTooLarge, megabyte } from '../attachments.ts'
import type { chatSettings } from '../config.ts'
import { Attachment } from '../contract.ts'

const base = '/api/v1/chat/attachments'
const access = 'chat.use'

export function attachmentRoutes(
  router: Router,
  deps: { attachments: Attachments; settings: Settings<typeof chatSettings> },
) {
  const { attachments, settings } = deps
  router.route({
    method: 'POST',
    path: base,
    access,
    summary: 'Upload a picture, a PDF or a text (multipart), to be sent with a message within a day',
    upload: true,
    response: Attachment,
    status: 201,
    handler({ actor, request, signal }) {
      const limit_mb = settings.CHAT_ATTACHMENT_MAX_MB
      return readUpload(request, limit_mb * megabyte, async ({ file, filename }) => {
        const bytes = await readAll(file)
        if (file.truncated) throw attachmentTooLarge({ limit_mb })
        return attachments.add(actor, { name: filename ?? '', bytes }, signal)
      })
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/:id/content`,
    access,
    summary: 'An own file',
    params: z.object({ id: z.uuid() }),
    raw: true,
    async handler({ actor, params, reply }) {
      const { attachment, file } = await attachments.open(actor, params.id)
      const { kind, name, media_type } = attachment
      return reply
        .headers({
          // Text is plain, without a charset: its bytes are as they came.
          'content-type': kind === 'text' ? 'text/plain' : media_type,
          'content-length': file.size,
          'content-disposition': contentDisposition(kind === 'image' ? 'inline' : 'attachment', name),
          'content-security-policy': "default-src 'none'; sandbox",
          'cross-origin-resource-policy': 'same-origin',
          'cache-control': 'private, max-age=86400, immutable',
        })
        .send(file.stream)
    },
  })
}

async function readAll(file: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of file as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
