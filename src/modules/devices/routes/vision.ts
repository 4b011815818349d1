import type { MultipartFile } from '@fastify/multipart'
import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import { readUpload } from '#core/http/upload.ts'
import { largestPicture, type Vision, visionPath } from '../vision.ts'
import { header, openToPages, preflightRoutes } from './device-requests.ts'

const VisionAnswer = z
  .object({
    success: z.boolean(),
    action: z.string().optional().describe('RESPONSE, with a response.'),
    response: z.string().optional(),
    message: z.string().optional().describe('Why there is no response.'),
  })
  .meta({ id: 'DeviceVisionAnswer' })

/** Where devices send what their camera sees: the address and the token are told them on the socket. */
export function visionRoutes(router: Router, { vision }: { vision: Vision }) {
  router.route({
    method: 'POST',
    path: visionPath,
    access: 'public',
    hasOwnCredentials: true,
    rate: 'none',
    upload: true,
    summary:
      'A device asks about a picture (multipart: question, file), signed in by Device-Id, Client-Id and Authorization',
    response: VisionAnswer,
    handler({ request, reply, signal }) {
      openToPages(reply)
      return readUpload(request, largestPicture + 1, file =>
        vision.explain({
          mac: header(request, 'device-id') ?? '',
          client_id: header(request, 'client-id') ?? '',
          token: (header(request, 'authorization') ?? '').replace(/^bearer\s+/i, ''),
          question: questionOf(file),
          picture: file.file,
          signal,
        }),
      )
    },
  })
  preflightRoutes(router, [visionPath])
}

/** It stands before the file. */
function questionOf({ fields }: MultipartFile): string {
  const field = fields.question
  return field && 'value' in field && typeof field.value === 'string' ? field.value : ''
}
