import type { Readable } from 'node:stream'
import { z } from 'zod'
import { contentDisposition } from '#core/http/download.ts'
import type { Router } from '#core/http/route.ts'
import { readUpload } from '#core/http/upload.ts'
import { CardFile, type Files } from '../files.ts'

const base = '/api/v1/cards/files'

export function fileRoutes(router: Router, files: Files): void {
  router.route({
    method: 'POST',
    path: base,
    access: 'cards.templates.manage',
    summary: 'Upload a picture or audio (multipart), to be named by a template within a day',
    upload: true,
    response: CardFile,
    status: 201,
    handler: ({ request }) =>
      readUpload(request, files.largest(), async ({ file, filename }) => {
        const bytes = await readAll(file)
        return files.add({ name: filename ?? '', bytes, truncated: file.truncated })
      }),
  })
  router.route({
    method: 'GET',
    path: `${base}/:id/content`,
    access: 'cards.use',
    summary: 'A picture of a template that was published, or the audio of an own item',
    params: z.object({ id: z.uuid() }),
    raw: true,
    async handler({ actor, params, reply }) {
      const { file, stored } = await files.open(actor, params.id)
      return reply
        .headers({
          'content-type': file.media_type,
          'content-length': stored.size,
          'content-disposition': contentDisposition('inline', file.name),
          'content-security-policy': "default-src 'none'; sandbox",
          'cross-origin-resource-policy': 'same-origin',
          'cache-control': 'private, max-age=86400, immutable',
        })
        .send(stored.stream)
    },
  })
}

async function readAll(file: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of file as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
