import { z } from 'zod'

/*
 * The JSON messages of the device socket: those of XiaoZhi-compatible devices, and the plain ones of simpler devices
 * and apps. Clients build their text by hand and differ in what they leave out, so keys that we do not know pass.
 */

const sessionId = z.unknown().optional().describe('Ignored: a message belongs to its socket.')
const requestId = z
  .union([z.string().max(100), z.int()])
  .optional()
  .describe('Comes back with the answer.')
const text = z.string().max(4000)

export const AudioParams = z.looseObject({
  format: z.string().max(20).optional(),
  sample_rate: z.union([z.literal(8000), z.literal(16_000), z.literal(24_000), z.literal(48_000)]).optional(),
  channels: z.int().optional(),
  frame_duration: z.int().optional().describe('Milliseconds.'),
})

export const Hello = z
  .looseObject({
    type: z.literal('hello'),
    version: z.union([z.literal(1), z.literal(2), z.literal(3)]).optional(),
    transport: z.string().max(20).optional(),
    features: z.looseObject({ mcp: z.boolean().optional(), aec: z.boolean().optional() }).optional(),
    audio_params: AudioParams.optional().describe(
      'Of the sound that comes up. Default: Opus, 16,000, 1, 60.',
    ),
    language: z.string().max(20).optional(),
  })
  .describe('The first message. The answer says how sound comes down.')
export type Hello = z.output<typeof Hello>

export const Listen = z
  .looseObject({
    type: z.literal('listen'),
    session_id: sessionId,
    state: z.enum(['start', 'stop', 'detect']),
    mode: z.enum(['auto', 'manual', 'realtime']).optional(),
    text: text.optional(),
  })
  .describe(
    'start: sound follows; auto and realtime end by silence, manual by stop. detect: a wake word, or typed text.',
  )
export type Listen = z.output<typeof Listen>

const Abort = z
  .looseObject({ type: z.literal('abort'), session_id: sessionId, reason: z.string().max(100).nullish() })
  .describe('Be silent. Always answered by tts/stop.')

const Mcp = z
  .looseObject({ type: z.literal('mcp'), session_id: sessionId, payload: z.looseObject({}) })
  .describe('JSON-RPC 2.0 with the device as the MCP server.')

const Iot = z
  .looseObject({
    type: z.literal('iot'),
    session_id: sessionId,
    descriptors: z
      .array(z.looseObject({ name: z.string().max(100) }))
      .max(50)
      .optional(),
    states: z
      .array(z.looseObject({ name: z.string().max(100), state: z.record(z.string(), z.unknown()) }))
      .max(50)
      .optional(),
  })
  .describe('What devices before firmware 1.8 can do, and how they are.')
export type Iot = z.output<typeof Iot>

const Ping = z.looseObject({ type: z.literal('ping') })
const Goodbye = z.looseObject({ type: z.literal('goodbye') })

export const ChatMessage = z
  .looseObject({ type: z.literal('chat'), request_id: requestId, text: text.min(1) })
  .describe(
    'Asks the bot in text. On a socket that said hello the answer is spoken, otherwise it comes as text.',
  )

const WeatherMessage = z.looseObject({
  type: z.literal('weather'),
  request_id: requestId,
  city: z.string().max(100).optional().describe('Default: the city of the owner’s profile.'),
})

const mediaFields = {
  request_id: requestId,
  action: z.enum(['search', 'play']).optional().describe('Default: search.'),
  query: z.string().max(200).optional(),
  id: z.string().max(100).optional(),
  device_id: z.uuid().optional().describe('Where to play, from an app.'),
}
const MusicMessage = z.looseObject({ type: z.literal('music'), ...mediaFields })
const DanceMessage = z.looseObject({ type: z.literal('dance'), ...mediaFields })
export type MediaMessage = z.output<typeof MusicMessage> | z.output<typeof DanceMessage>

const ControlMessage = z
  .looseObject({
    type: z.literal('control'),
    request_id: requestId,
    device_id: z.uuid().optional().describe('Whom an app commands: a device of its user.'),
    command: z.looseObject({}).optional().describe('As in POST /api/v1/devices/devices/:id/commands.'),
    command_id: z.uuid().optional().describe('Which command a device has carried out.'),
    status: z.enum(['done', 'failed']).optional(),
    result: z.unknown().optional(),
  })
  .describe('From an app: device_id and command. From a device: command_id and status.')
export type ControlMessage = z.output<typeof ControlMessage>

const StatusMessage = z
  .looseObject({
    type: z.literal('status'),
    request_id: requestId,
    device_id: z.uuid().optional().describe('Whom an app asks about: a device of its user.'),
    state: z.record(z.string().max(100), z.unknown()).optional().describe('What a device reports.'),
    version: z.int().optional().describe('The desired version that the device has made true.'),
    battery: z.number().optional().describe('Percent.'),
    firmware_version: z.string().max(40).optional(),
  })
  .describe('From a device: how it is. From an app: how is device_id?')
export type StatusMessage = z.output<typeof StatusMessage>

/** What comes up. */
export const UpMessage = z.discriminatedUnion('type', [
  Hello,
  Listen,
  Abort,
  Mcp,
  Iot,
  Ping,
  Goodbye,
  ChatMessage,
  WeatherMessage,
  MusicMessage,
  DanceMessage,
  ControlMessage,
  StatusMessage,
])
export type UpMessage = z.output<typeof UpMessage>

/** Emotions that devices have a face for. */
export const emotions = [
  'neutral',
  'happy',
  'laughing',
  'funny',
  'sad',
  'angry',
  'crying',
  'loving',
  'embarrassed',
  'surprised',
  'shocked',
  'thinking',
  'winking',
  'cool',
  'relaxed',
  'delicious',
  'kissy',
  'confident',
  'sleepy',
  'silly',
  'confused',
] as const
export type Emotion = (typeof emotions)[number]

const session_id = z.string()
const answered = { request_id: requestId }

/** What goes down. Devices ignore types that they do not know. */
export const DownMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    transport: z.literal('websocket'),
    session_id,
    audio_params: z
      .object({ format: z.string(), sample_rate: z.int(), channels: z.int(), frame_duration: z.int() })
      .describe('Of the sound that goes down.'),
  }),
  z.object({ type: z.literal('stt'), session_id, text: z.string() }),
  z.object({
    type: z.literal('tts'),
    session_id,
    state: z.enum(['start', 'sentence_start', 'stop']),
    text: z.string().optional(),
  }),
  z.object({ type: z.literal('llm'), session_id, emotion: z.enum(emotions), text: z.string() }),
  z.object({ type: z.literal('mcp'), session_id, payload: z.looseObject({}) }),
  z.object({
    type: z.literal('iot'),
    session_id,
    commands: z.array(
      z.object({ name: z.string(), method: z.string(), parameters: z.record(z.string(), z.unknown()) }),
    ),
  }),
  z.object({ type: z.literal('custom'), session_id, payload: z.looseObject({}) }),
  z.object({ type: z.literal('system'), session_id, command: z.literal('reboot') }),
  z.object({
    type: z.literal('alert'),
    session_id,
    status: z.string(),
    message: z.string(),
    emotion: z.enum(emotions),
  }),
  z.object({ type: z.literal('pong'), timestamp: z.int() }),
  z.object({
    type: z.literal('chat'),
    ...answered,
    state: z.enum(['delta', 'done', 'stopped']),
    text: z.string(),
  }),
  z.object({
    type: z.enum(['weather', 'music', 'dance']),
    ...answered,
    result: z.looseObject({}),
  }),
  z.object({
    type: z.literal('control'),
    ...answered,
    command_id: z.uuid(),
    command: z.looseObject({}).optional().describe('To a device: what it shall do.'),
    status: z.string().optional().describe('To an app: what has become of it.'),
  }),
  z.object({
    type: z.literal('status'),
    ...answered,
    device_id: z.uuid(),
    is_online: z.boolean().optional(),
    desired: z.record(z.string(), z.unknown()),
    version: z.int(),
    reported: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({
    type: z.literal('error'),
    ...answered,
    code: z.string(),
    detail: z.string().describe('In the language of the owner or of Accept-Language.'),
  }),
])
export type DownMessage = z.input<typeof DownMessage>
