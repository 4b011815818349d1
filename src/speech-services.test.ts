import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createOggWriter } from '#core/speech/ogg.ts'
import { createOpusEncoder } from '#core/speech/opus.ts'
import { type FakeAliyun, startFakeAliyun } from '#core/speech/testing/fake-aliyun.ts'
import { type FakeVolcengine, startFakeVolcengine } from '#core/speech/testing/fake-volcengine.ts'
import { tone } from '#core/speech/testing.ts'
import type { Transcription } from '#core/speech/transcriptions.ts'
import { readWav, writeWav } from '#core/speech/wav.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'

/* The routes of speech with services: one that listens, another that speaks, both of which fail on purpose. */

let app: TestApp
let user: TestUser
let listener: FakeAliyun
let speaker: FakeVolcengine
const patience = { timeout: 60_000, interval: 20 }

beforeAll(async () => {
  listener = await startFakeAliyun()
  speaker = await startFakeVolcengine()
  app = await startTestApp({
    settings: {
      ...listener.env,
      ...speaker.env,
      SPEECH_RECOGNIZER: 'aliyun',
      SPEECH_SYNTHESIZER: 'volcengine',
    },
  })
  user = await signUp(app)
})
afterAll(async () => {
  await app?.stop()
  await listener?.stop()
  await speaker?.stop()
})
beforeEach(() => {
  listener.recognitions = []
  speaker.utterances = []
})

const voice = (ms: number) => writeWav(tone({ ms, sample_rate: 16_000 }), 16_000)

async function upload(audio: Uint8Array) {
  const form = new FormData()
  form.append('file', new Blob([Buffer.from(audio)]), 'audio')
  const path = '/api/v1/speech/transcriptions'
  const response = await app.fetch(path, { method: 'POST', headers: user.headers, body: form })
  return { status: response.status, body: (await response.json()) as Transcription & { code?: string } }
}

const speak = (text: string, signal?: AbortSignal) =>
  app.fetch('/api/v1/speech/syntheses', {
    method: 'POST',
    headers: { ...user.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
    ...(signal ? { signal } : {}),
  })

test('a recording goes to the service and comes back as text', async () => {
  const { status, body } = await upload(voice(2_000))
  expect(status).toBe(201)
  expect(body).toMatchObject({ state: 'done', text: '今天天气怎么样？', engine: 'aliyun', seconds: 2 })
  expect(listener.recognitions[0]?.bytes).toBe(64_000)
})

test('what the service fails with is told, without its words where they are no help', async () => {
  listener.fail({ is: 'error', what: 'rate' })
  expect(await upload(voice(500))).toMatchObject({
    status: 503,
    body: { code: 'speech.provider_rate_limited' },
  })
  listener.fail({ is: 'cut' })
  expect(await upload(voice(500))).toMatchObject({ status: 502, body: { code: 'speech.provider_failed' } })
  listener.fail({ is: 'error', what: 'rejected' })
  const { body } = await upload(voice(500))
  expect(body).toMatchObject({
    code: 'speech.provider_rejected',
    detail: expect.stringContaining('41020001'),
  })
})

test('audio that breaks in the middle does not leave the service waiting', async () => {
  const encoder = await createOpusEncoder({ sample_rate: 48_000, frame_ms: 20 })
  const writer = createOggWriter({ sample_rate: 48_000, frame_ms: 20 })
  const sound = tone({ ms: 1_000, sample_rate: 48_000 })
  const pages = Array.from({ length: 50 }, (_, i) =>
    // Two frames of one size and an odd length: no Opus.
    writer.page(
      i === 40 ? Buffer.from([0xfd, 1, 2, 3]) : encoder.encode(sound.subarray(i * 960, i * 960 + 960)),
      i === 49,
    ),
  )
  encoder.free()
  const { status, body } = await upload(Buffer.concat([writer.header(), ...pages]))
  expect(status).toBe(400)
  expect(body.code).toBe('speech.bad_opus_packet')
  await vi.waitFor(() => expect(listener.open).toBe(0), patience)
  for (const { over } of listener.recognitions) expect(await over).toBe('cancelled')
})

test('long audio survives a service that stumbles, and says so when it does not come back', async () => {
  const read = async (id: string | null) =>
    (await (
      await app.fetch(`/api/v1/speech/transcriptions/${id}`, { headers: user.headers })
    ).json()) as Transcription
  listener.fail({ is: 'error', what: 'server' })
  const first = await upload(voice(61_000))
  expect(first.body).toMatchObject({ state: 'queued', text: null })
  await vi.waitFor(
    async () => expect(await read(first.body.id)).toMatchObject({ state: 'done', error_code: null }),
    patience,
  )
  listener.fail({ is: 'error', what: 'server' }, 'keep')
  const second = await upload(voice(61_000))
  await vi.waitFor(
    async () =>
      expect(await read(second.body.id)).toMatchObject({
        state: 'failed',
        error_code: 'speech.provider_failed',
      }),
    patience,
  )
  listener.heal()
})

test('long audio whose job is cancelled does not wait for ever', async () => {
  listener.fail({ is: 'silent' }, 'keep')
  const { body } = await upload(voice(61_000))
  await vi.waitFor(() => expect(listener.open).toBe(1), patience)
  const path = `/api/v1/jobs/${body.job_id}/cancel`
  expect((await app.fetch(path, { method: 'POST', headers: user.headers })).status).toBe(202)
  await vi.waitFor(async () => {
    const found = await app.fetch(`/api/v1/speech/transcriptions/${body.id}`, { headers: user.headers })
    expect(await found.json()).toMatchObject({ state: 'failed', text: null, error_code: 'job.cancelled' })
  }, patience)
  await vi.waitFor(() => expect(listener.open).toBe(0), patience)
  listener.heal()
})

test('a text is spoken by the service, sentence by sentence', async () => {
  const response = await speak('你好。今天是晴天，很适合出门。')
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'x-speech-engine': 'volcengine',
    'x-speech-preview': 'false',
  })
  const { pcm } = readWav(new Uint8Array(await response.arrayBuffer()))
  const spoken = speaker.utterances.map(({ text }) => text).join('')
  expect(spoken).toBe('你好。今天是晴天，很适合出门。')
  expect(pcm.length).toBe(spoken.length * 2_400)
})

test('a service that fails before the first sound is an error, one that fails later a broken answer', async () => {
  speaker.fail({ is: 'error', what: 'key' }, 'keep')
  // The fake says so after its first piece of sound, which is enough for a head of 200.
  await expect(speak('你好。').then(response => response.arrayBuffer())).rejects.toThrow()
  speaker.fail({ is: 'refused', status: 429 })
  const refused = await speak('你好。')
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ code: 'speech.provider_rate_limited' })
  speaker.heal()
})

test('a listener who leaves is gone for the service too', async () => {
  speaker.fail({ is: 'slow', ms: 600_000 })
  const abort = new AbortController()
  const response = speak('这是一个很长的故事，请听我慢慢道来。', abort.signal)
  response.catch(() => {})
  await vi.waitFor(() => expect(speaker.utterances).toHaveLength(1), patience)
  abort.abort()
  expect(await speaker.utterances[0]?.over).toBe('cancelled')
})

test('a listener who is slow hears it all', async () => {
  const text = '这是一个很长的故事，请听我慢慢道来。'.repeat(120)
  const response = await speak(text)
  const reader = response.body?.getReader()
  await reader?.read()
  await vi.waitFor(() => expect(speaker.utterances.length).toBeGreaterThan(0), patience)
  let bytes = 0
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
    bytes += part.value.length
  expect(bytes).toBeGreaterThan(text.length * 2_400 * 2 - 100_000)
  expect(speaker.utterances.map(utterance => utterance.text).join('')).toBe(text)
})
