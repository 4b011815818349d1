import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { MultipartFile } from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError, defineError, isAbort, payloadTooLarge, unsupportedMediaType } from '#core/errors.ts'

const uploadMissing = defineError({
  code: 'upload.missing',
  status: 400,
  en: 'Send one whole file, as the multipart field “file”.',
  'zh-CN': '请以 multipart 的“file”字段上传一个完整的文件。',
})

/**
 * Hands the one file of a multipart request to `read`, cut off after `max_bytes` (then `file.file.truncated`).
 * @throws AppError `input.unsupported_media_type`, `upload.missing` also for a body that breaks off
 */
export async function readUpload<T>(
  request: FastifyRequest,
  max_bytes: number,
  read: (file: MultipartFile) => Promise<T>,
): Promise<T> {
  if (!request.isMultipart()) throw unsupportedMediaType()
  let broken: unknown
  try {
    const file = await request.file({ limits: { fileSize: max_bytes } })
    if (file?.fieldname !== 'file') throw uploadMissing()
    file.file.once('error', error => {
      broken = error
    })
    return await read(file)
  } catch (error) {
    // What nobody reads any more would block the connection for the next request.
    request.raw.unpipe()
    request.raw.resume()
    if (error instanceof AppError || isAbort(error)) throw error
    // Errors of the parser carry no code of their own; what `read` itself throws is not its fault.
    const { code } = error as { code?: unknown }
    if (
      error === broken ||
      /multipart|header|boundary/i.test(String(error)) ||
      String(code).startsWith('FST_')
    )
      throw uploadMissing({}, { cause: error })
    throw error
  }
}

/** Bodies that are files reach the routes that take such (`file`) as streams; all others refuse them. */
export function takeFiles(server: FastifyInstance): void {
  server.addContentTypeParser(/^audio\//i, (request, body, done) => {
    if (request.routeOptions.config.file === 'audio') done(null, body)
    else done(unsupportedMediaType())
  })
}

/**
 * The one file of a request, whole: the body itself, or the multipart field `file`.
 * @throws AppError `input.too_large`, and those of `readUpload`
 */
export async function readFile(request: FastifyRequest, max_bytes: number): Promise<Buffer> {
  if (request.body instanceof Readable) return readBody(request.body, max_bytes)
  return readUpload(request, max_bytes, async ({ file }) => {
    const bytes = await buffer(file)
    if (file.truncated) throw payloadTooLarge({ limit: max_bytes })
    return bytes
  })
}

async function readBody(body: Readable, max_bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (size > max_bytes) throw payloadTooLarge({ limit: max_bytes })
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    // What nobody reads any more would block the connection for the next request.
    body.resume()
    throw error instanceof AppError ? error : uploadMissing({}, { cause: error })
  }
}
