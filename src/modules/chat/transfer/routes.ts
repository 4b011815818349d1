import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import { payloadTooLarge, unsupportedMediaType } from '#core/errors.ts'
import { contentDisposition } from '#core/http/download.ts'
import type { Router } from '#core/http/route.ts'
import { readUpload } from '#core/http/upload.ts'
import { megabyte } from '../attachments.ts'
import type { chatSettings } from '../config.ts'
import type { Download, Exports } from './export.ts'
import { ImportResult, type Imports } from './import.ts'

const base = '/api/v1/chat'
const access = 'chat.use'
/** Of a file that comes as the body itself; larger ones come as multipart, which is not held in memory. */
const bodyLimit = 20 * megabyte

export function transferRoutes(
  router: Router,
  deps: { exports: Exports; imports: Imports; settings: Settings<typeof chatSettings> },
) {
  const { exports, imports, settings } = deps
  router.route({
    method: 'GET',
    path: `${base}/conversations/:id/export`,
    access,
    summary: 'A conversation as a file: the branch that is shown as Markdown, or everything as JSON',
    params: z.object({ id: z.uuid() }),
    query: z.object({ format: z.enum(['markdown', 'json']).default('markdown') }),
    raw: true,
    async handler({ actor, params: { id }, query: { format }, reply }) {
      return format === 'json'
        ? send(reply, await exports.json(actor, id), 'application/json')
        : send(reply, await exports.markdown(actor, id), 'text/markdown; charset=utf-8')
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/export`,
    access,
    summary: 'All own conversations and bots as one JSON file',
    raw: true,
    handler: ({ actor, reply }) => send(reply, exports.everything(actor), 'application/json'),
  })
  router.route({
    method: 'POST',
    path: `${base}/imports`,
    access,
    summary:
      'Take conversations in: our own JSON, or ChatGPT’s conversations.json (multipart, or as the body)',
    upload: true,
    bodyLimit,
    response: ImportResult,
    async handler({ actor, request, signal }) {
      if (request.isMultipart()) {
        const limit = settings.CHAT_IMPORT_MAX_MB * megabyte
        if (Number(request.headers['content-length']) > limit + megabyte) throw payloadTooLarge({ limit })
        return readUpload(request, limit, ({ file }) => imports.run(actor, file, signal))
      }
      if (request.body === undefined) throw unsupportedMediaType()
      return imports.run(actor, Readable.from([Buffer.from(JSON.stringify(request.body))]), signal)
    },
  })
}

const send = (reply: FastifyReply, { name, pieces }: Download, mediaType: string) =>
  reply
    .headers({
      'content-type': mediaType,
      'content-disposition': contentDisposition('attachment', name.replaceAll(/[/\\]/g, '_')),
      'cache-control': 'no-store',
    })
    .send(Readable.from(pieces))
