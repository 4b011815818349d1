import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { upgradeRequired } from '../socket/errors.ts'
import { DownMessage, UpMessage } from '../socket/messages.ts'
import { stages, turnOutcomes } from './timeline.ts'
import type { Turns } from './turns.ts'

const ms = z.int().nullable()
const TurnView = z
  .object({
    id: z.uuid(),
    source: z.enum(['voice', 'text']),
    outcome: z.enum(turnOutcomes),
    error_code: z.string().nullable(),
    bot_id: z.uuid().nullable(),
    conversation_id: z.uuid().nullable(),
    started_at: z.string().describe('When the speech was over.'),
    silence_ms: ms.describe('Silence that it took to know so. All that follows counts from there.'),
    text_ms: ms.describe('The recognised text.'),
    first_token_ms: ms,
    first_sentence_ms: ms,
    first_audio_ms: ms,
    abort_ms: ms,
    end_ms: z.int(),
    spoken_ms: z.int().describe('Sound of the answer that was heard.'),
  })
  .meta({ id: 'DeviceTurn' })

const percentile = z.object({ p50_ms: z.number().nullable(), p95_ms: z.number().nullable() })
const Summary = z.object({
  turns: z.int(),
  aborted: z.int(),
  failed: z.int(),
  stages: z.object(
    Object.fromEntries(stages.map(stage => [stage, percentile])) as Record<
      (typeof stages)[number],
      typeof percentile
    >,
  ),
})
const TurnStatistics = z
  .object({
    days: z.array(Summary.extend({ day: z.string().describe('2026-11-21, in the reader’s time zone.') })),
    total: Summary,
  })
  .meta({ id: 'DeviceTurnStatistics' })

const Id = z.object({ id: z.uuid() })
const DaysQuery = z.object({ days: z.int().min(1).max(90).default(7) })
const base = '/api/v1/devices'

/** Both directions of the socket’s messages, as JSON Schema 2020-12. */
const messageSchemas = () => ({
  up: z.toJSONSchema(UpMessage, { io: 'input' }),
  down: z.toJSONSchema(DownMessage, { io: 'input' }),
})

/** What can be read about talking with devices. The talk itself is a WebSocket: `socket/door.ts`. */
export function turnRoutes(router: Router, turns: Turns): void {
  router.route({
    method: 'GET',
    path: `${base}/ws`,
    access: 'public',
    summary:
      'The socket of devices and apps: a WebSocket. Its messages are described at /api/v1/devices/ws/schema',
    query: z.object({
      token: z
        .string()
        .max(4096)
        .optional()
        .describe('Of the device or of a user; or the Authorization header.'),
      authorization: z.string().max(4200).optional().describe('As the header of that name.'),
      'device-id': z.string().max(100).optional().describe('MAC; or the header of that name.'),
      'client-id': z.string().max(200).optional().describe('Or the header of that name.'),
    }),
    raw: true,
    handler() {
      throw upgradeRequired()
    },
  })
  router.route({
    method: 'GET',
    path: `${base}/ws/schema`,
    access: 'public',
    summary: 'The messages of the device socket in both directions, as JSON Schema',
    response: z.object({ up: z.looseObject({}), down: z.looseObject({}) }),
    handler: messageSchemas,
  })
  router.route({
    method: 'GET',
    path: `${base}/devices/:id/turns`,
    access: 'devices.use',
    summary: 'The exchanges with a device, newest first, and what took how long',
    params: Id,
    query: PageQuery,
    response: pageOf(TurnView),
    handler: ({ actor, params, query }) => turns.list(actor, params.id, query),
  })
  router.route({
    method: 'GET',
    path: `${base}/devices/:id/turn-statistics`,
    access: 'devices.use',
    summary: 'How fast a device answers: median and 95th percentile of each stage, by day',
    params: Id,
    query: DaysQuery,
    response: TurnStatistics,
    handler: ({ actor, params, query }) => turns.ofDevice(actor, params.id, query.days),
  })
  router.route({
    method: 'GET',
    path: `${base}/turn-statistics`,
    access: 'devices.registry.read',
    summary: 'How fast all devices answer: median and 95th percentile of each stage, by day',
    query: DaysQuery,
    response: TurnStatistics,
    handler: ({ actor, query }) => turns.ofAll(actor, query.days),
  })
}
