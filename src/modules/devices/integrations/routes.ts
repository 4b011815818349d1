import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import { contentDisposition } from '#core/http/download.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import { rangeAnswer, rangeOf } from '#core/http/range.ts'
import type { Router } from '#core/http/route.ts'
import { readUpload } from '#core/http/upload.ts'
import type { integrationSettings } from './config.ts'
import { type MediaFile, MediaItem, type MediaLibrary, manage } from './media.ts'
import type { MediaAddresses } from './media-address.ts'
import { Weather, type WeatherService } from './weather.ts'

const base = '/api/v1/devices'
const access = 'devices.use'
const params = z.object({ id: z.uuid() })
const Kind = z.enum(['music', 'dance'])
const megabyte = 1024 * 1024

const fields = {
  artist: z.string().max(200).optional(),
  style: z.string().max(100).optional(),
  description: z.string().max(2000).optional(),
  duration_ms: z.int().min(0).max(86_400_000).optional().describe('Of a WAV file it is read from the file.'),
  template_id: z.uuid().optional().describe('The card that unlocks it.'),
}

export function integrationRoutes(
  router: Router,
  deps: {
    weatherService: WeatherService
    library: MediaLibrary
    addresses: MediaAddresses
    settings: Settings<typeof integrationSettings>
  },
) {
  const { weatherService, library, addresses, settings } = deps
  router.route({
    method: 'GET',
    path: `${base}/weather`,
    access,
    summary: 'The weather in a city, or in that of one’s profile',
    query: z.object({ city: z.string().min(1).max(100).optional() }),
    response: Weather,
    handler: ({ actor, query: { city }, locale, signal }) =>
      weatherService.of({ user_id: actor.user_id, city, locale }, signal),
  })
  router.route({
    method: 'GET',
    path: `${base}/media`,
    access,
    summary: 'Music and dances of the library, newest first, or those that fit some words',
    query: PageQuery.extend({ kind: Kind.optional(), q: z.string().max(200).optional() }),
    response: pageOf(MediaItem),
    handler: ({ actor, query }) => library.list(actor, query),
  })
  router.route({
    method: 'POST',
    path: `${base}/media`,
    access: manage,
    summary: 'Put a file into the library (multipart): music as WAV, MP3, Ogg or FLAC, a dance as JSON',
    query: z.object({ kind: Kind, title: z.string().max(200).regex(/\S/), ...fields }),
    upload: true,
    response: MediaItem,
    status: 201,
    handler({ actor, query, request, signal }) {
      const max_bytes = settings.DEVICES_MEDIA_MAX_MB * megabyte
      return readUpload(request, max_bytes + 1, ({ file }) =>
        library.upload(actor, query, { content: file, max_bytes, signal }),
      )
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/media/:id`,
    access,
    summary: 'A piece of the library',
    params,
    response: MediaItem,
    handler: ({ actor, params: { id } }) => library.read(actor, id),
  })
  router.route({
    method: 'PATCH',
    path: `${base}/media/:id`,
    access: manage,
    summary: 'Change what is said of a piece, or which card unlocks it',
    params,
    body: z.object({
      ...fields,
      title: z.string().max(200).regex(/\S/).optional(),
      duration_ms: fields.duration_ms.nullable(),
      template_id: z.uuid().nullable().optional(),
    }),
    response: MediaItem,
    handler: ({ actor, params: { id }, body }) => library.update(actor, id, given(body)),
  })
  router.route({
    method: 'DELETE',
    path: `${base}/media/:id`,
    access: manage,
    summary: 'Take a piece out of the library',
    params,
    handler: ({ params: { id } }) => library.remove(id),
  })
  router.route({
    method: 'GET',
    path: `${base}/media/:id/content`,
    access,
    summary: 'The file of a piece, for those who may play it or keep the library; ranges are served',
    params,
    raw: true,
    async handler({ actor, params: { id }, request, reply }) {
      return sendFile(request, reply, await library.content(actor, id))
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/media-files/:token`,
    access: 'public',
    summary: 'The file of a piece, at the address that a device was given; ranges are served',
    params: z.object({ token: z.string().min(1).max(200) }),
    raw: true,
    async handler({ params: { token }, request, reply }) {
      return sendFile(request, reply, await library.file(addresses.idOf(token)))
    },
  })
}

async function sendFile(request: FastifyRequest, reply: FastifyReply, { item, open }: MediaFile) {
  const range = await rangeOf(request.headers.range, async () => item.size)
  const file = await open(range)
  const { status, headers } = rangeAnswer(file, range)
  return reply
    .status(status)
    .headers({
      ...headers,
      'content-type': item.media_type,
      'content-disposition': contentDisposition('attachment', item.title.replaceAll(/[/\\]/g, '_')),
      'cache-control': 'private, max-age=3600',
      'x-content-type-options': 'nosniff',
    })
    .send(file.stream)
}

/** What was given; absent is not a value. */
const given = <T extends object>(body: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as never
