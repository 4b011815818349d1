import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import { readFile } from '#core/http/upload.ts'
import type { PermissionDefinition } from '#core/module.ts'
import type { Speech } from './speech.ts'
import { speakText } from './spoken-stream.ts'
import { Transcription, type Transcriptions } from './transcriptions.ts'

const access = 'speech.use'
const everyone = ['super_admin', 'admin', 'agency_admin', 'streamer', 'assistant', 'user']
export const speechPermissions: readonly PermissionDefinition[] = [{ name: access, roles: everyone }]

const largestUpload = 32 * 1024 * 1024
const Id = z.object({ id: z.uuid() })
const Language = z
  .string()
  .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/)
  .describe('BCP 47, such as `zh-CN`.')

const Status = z
  .object({
    recognizer: z.string().nullable().describe('What listens; null when nothing is set up.'),
    is_scripted: z
      .boolean()
      .describe('It hears nothing and answers from a script: for tests and demonstrations.'),
    synthesizer: z.string().nullable().describe('What speaks.'),
    is_preview: z.boolean().describe('It speaks, but like a machine.'),
    voices: z.array(z.object({ id: z.string(), name: z.string(), language: z.string() })),
  })
  .meta({ id: 'SpeechStatus' })

const SynthesisRequest = z.object({
  text: z.string().min(1).max(10_000).describe('Markdown may be in it: only its words are spoken.'),
  voice: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('An id of the voices of the status. Default: the server’s.'),
  language: Language.optional(),
  speed: z.number().min(0.5).max(2).optional().describe('1 is normal.'),
  format: z.enum(['wav', 'ogg']).default('wav').describe('`ogg` is Opus, a twentieth of the size.'),
})

type Deps = { speech: Speech; transcriptions: Transcriptions }

/** Speech for every product: what is said as text, and text as sound. */
export function speechRoutes(router: Router, deps: Deps): void {
  const { speech } = deps
  router.route({
    method: 'GET',
    path: '/api/v1/speech/status',
    access,
    summary: 'Which engines listen and speak, and their voices',
    response: Status,
    handler: () => ({ ...speech.status(), voices: [...speech.voices()] }),
  })
  transcriptionRoutes(router, deps)
  synthesisRoutes(router, deps)
}

function transcriptionRoutes(router: Router, { transcriptions }: Deps) {
  router.route({
    method: 'POST',
    path: '/api/v1/speech/transcriptions',
    access,
    rate: 'ai',
    summary:
      'Audio as text (WAV, or Opus in Ogg or WebM, up to 32 MB: the body itself, or the multipart field “file”). A minute is answered at once, longer audio becomes a job',
    query: z.object({ language: Language.optional() }),
    file: 'audio',
    response: Transcription,
    status: 201,
    async handler({ actor, query, request, signal }) {
      const bytes = await readFile(request, largestUpload)
      return transcriptions.create(actor, { bytes, language: query.language }, signal)
    },
  })
  router.route({
    method: 'GET',
    path: '/api/v1/speech/transcriptions/:id',
    access,
    summary: 'The text of long audio, for a day',
    params: Id,
    response: Transcription,
    handler: ({ actor, params }) => transcriptions.get(actor, params.id),
  })
  router.route({
    method: 'DELETE',
    path: '/api/v1/speech/transcriptions/:id',
    access,
    summary: 'Forget long audio and its text now',
    params: Id,
    handler: ({ actor, params }) => transcriptions.delete(actor, params.id),
  })
}

function synthesisRoutes(router: Router, { speech }: Deps) {
  router.route({
    method: 'POST',
    path: '/api/v1/speech/syntheses',
    access,
    rate: 'ai',
    summary: 'Text as sound (WAV or Ogg), sent as it is spoken',
    body: SynthesisRequest,
    raw: true,
    async handler({ body: { text, format, ...options }, reply, signal }) {
      const synthesizer = speech.synthesizer()
      const sound = speakText(synthesizer, text, { ...options, format, signal })
      const first = await sound.next()
      async function* all() {
        if (!first.done) yield first.value
        yield* sound
      }
      return reply
        .headers({
          'content-type': format === 'wav' ? 'audio/wav' : 'audio/ogg',
          'cache-control': 'no-store',
          'x-speech-engine': synthesizer.name,
          'x-speech-preview': String(synthesizer.is_preview),
        })
        .send(Readable.from(all(), { objectMode: false, highWaterMark: 65_536 }))
    },
  })
}
