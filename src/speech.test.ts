import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { JobView } from '#core/jobs/jobs.ts'
import { openAudioFile } from '#core/speech/audio-file.ts'
import { createOggWriter } from '#core/speech/ogg.ts'
import { createOpusEncoder } from '#core/speech/opus.ts'
import { joinPcm } from '#core/speech/resample.ts'
import { loudnessOf, silence, tone } from '#core/speech/testing.ts'
import type { Transcription } from '#core/speech/transcriptions.ts'
import type { Pcm } from '#core/speech/types.ts'
import { readWav, writeWav } from '#core/speech/wav.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'

/* The routes of speech with the engines that are built in: the scripted recogniser, a real eSpeak NG. */

let app: TestApp
let user: TestUser
const script = ['你好。', 'Tell me a story.', '再见。']

beforeAll(async () => {
  app = await startTestApp({
    settings: { SPEECH_RECOGNIZER: 'scripted', SPEECH_SCRIPT: script.join('|') },
  })
  user = await signUp(app)
})
afterAll(() => app.stop())

async function upload(audio: Uint8Array | null, query = '', who = user) {
  const form = new FormData()
  if (audio) form.append('file', new Blob([Buffer.from(audio)]), 'audio')
  const path = `/api/v1/speech/transcriptions${query}`
  const response = await app.fetch(path, { method: 'POST', headers: who.headers, body: form })
  return { status: response.status, body: (await response.json()) as Transcription & { code?: string } }
}

/** Audio as the body itself. */
async function post(audio: Uint8Array | ReadableStream, type: string, query = '') {
  const response = await app.fetch(`/api/v1/speech/transcriptions${query}`, {
    method: 'POST',
    headers: { ...user.headers, 'content-type': type },
    body: audio instanceof ReadableStream ? audio : Buffer.from(audio),
    ...(audio instanceof ReadableStream ? { duplex: 'half' } : {}),
  })
  return { status: response.status, body: (await response.json()) as Transcription & { code?: string } }
}

const speak = (body: object, signal?: AbortSignal) =>
  app.fetch('/api/v1/speech/syntheses', {
    method: 'POST',
    headers: { ...user.headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })

const voice = (ms: number, sample_rate = 16_000) => tone({ ms, sample_rate })

/** The next line of the script, whatever the tests before took. */
const isLine = expect.toSatisfy((text: string) => script.includes(text))

async function packetsOf(pcm: Pcm): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder({ sample_rate: 48_000, frame_ms: 20 })
  const packets: Uint8Array[] = []
  for (let at = 0; at + 960 <= pcm.length; at += 960) packets.push(encoder.encode(pcm.subarray(at, at + 960)))
  encoder.free()
  return packets
}

async function oggOf(pcm: Pcm): Promise<Uint8Array> {
  const writer = createOggWriter({ sample_rate: 48_000, frame_ms: 20 })
  const packets = await packetsOf(pcm)
  return Buffer.concat([
    writer.header(),
    ...packets.map((packet, i) => writer.page(packet, i === packets.length - 1)),
  ])
}

/** As browsers record: sizes of segment and cluster unknown, one track, simple blocks. */
async function webmOf(pcm: Pcm): Promise<Uint8Array> {
  const element = (id: string, data: Uint8Array) => {
    const size = Buffer.alloc(4)
    size.writeUInt32BE(0x1000_0000 + data.length)
    return Buffer.concat([Buffer.from(id, 'hex'), size, data])
  }
  const unknown = (id: string) => Buffer.from(`${id}01ffffffffffffff`, 'hex')
  const track = Buffer.concat([
    element('d7', Buffer.from([1])),
    element('83', Buffer.from([2])),
    element('86', Buffer.from('A_OPUS')),
  ])
  const blocks = (await packetsOf(pcm)).map((packet, i) =>
    element('a3', Buffer.concat([Buffer.from([0x81, 0, i % 256, 0x80]), packet])),
  )
  return Buffer.concat([
    element('1a45dfa3', element('4282', Buffer.from('webm'))),
    unknown('18538067'),
    element('1654ae6b', element('ae', track)),
    unknown('1f43b675'),
    element('e7', Buffer.from([0])),
    ...blocks,
  ])
}

test('the status names the engines, and that they are none for real work', async () => {
  const response = await app.fetch('/api/v1/speech/status', { headers: user.headers })
  expect(await response.json()).toMatchObject({
    recognizer: 'scripted',
    is_scripted: true,
    synthesizer: 'espeak',
    is_preview: true,
    voices: expect.arrayContaining([{ id: 'cmn', name: '普通话', language: 'zh-CN' }]),
  })
})

test('a short recording is answered at once, and kept nowhere', async () => {
  const { status, body } = await upload(writeWav(voice(2000, 44_100), 44_100), '?language=zh-CN')
  expect(status).toBe(201)
  expect(body).toEqual({
    id: null,
    state: 'done',
    text: isLine,
    seconds: 2,
    engine: 'scripted',
    job_id: null,
    error_code: null,
    expires_at: null,
  })
  expect((await upload(writeWav(silence(500, 16_000), 16_000))).body.text).toBe('')
})

test('Opus in Ogg and in WebM, as browsers record it', async () => {
  const sound = voice(3000, 48_000)
  for (const file of [await oggOf(sound), await webmOf(sound)]) {
    const { status, body } = await upload(file)
    expect(status).toBe(201)
    expect(body).toMatchObject({ state: 'done', text: isLine, seconds: 3 })
    const pieces: Pcm[] = []
    for await (const pcm of openAudioFile(file).pieces()) pieces.push(pcm)
    expect(joinPcm(pieces).length).toBeGreaterThan(47_000)
    expect(loudnessOf(joinPcm(pieces)) / loudnessOf(sound)).toBeCloseTo(1, 1)
  }
})

test('audio may be the body itself, of whatever kind it says it is', async () => {
  const sound = voice(1000, 48_000)
  const files = [
    [writeWav(sound, 48_000), 'audio/wav'],
    [writeWav(sound, 48_000), 'audio/x-wav'],
    [await oggOf(sound), 'audio/ogg; codecs=opus'],
    [await webmOf(sound), 'Audio/WebM;codecs=opus'],
    // The bytes tell what it is.
    [await oggOf(sound), 'audio/mpeg'],
  ] as const
  for (const [file, type] of files) {
    const { status, body } = await post(file, type, '?language=en-US')
    expect({ status, body }, type).toMatchObject({
      status: 201,
      body: { state: 'done', text: isLine, seconds: 1 },
    })
  }
  const long = await post(writeWav(silence(61_000, 16_000), 16_000), 'audio/wav')
  expect(long).toMatchObject({ status: 201, body: { state: 'queued', seconds: 61 } })
})

test('audio as the body is refused as in a form', async () => {
  const code = async (...input: Parameters<typeof post>) => {
    const { status, body } = await post(...input)
    return `${status} ${body.code}`
  }
  const wav = writeWav(voice(100), 16_000)
  expect(await code(new Uint8Array(0), 'audio/wav')).toBe('400 speech.bad_audio')
  expect(await code(Buffer.from('RIFF'), 'audio/wav')).toBe('400 speech.bad_audio')
  expect(await code(Buffer.from('ID3\u0004 and so on'), 'audio/mpeg')).toBe('415 speech.unsupported_audio')
  expect(await code(wav, 'audio/wav', '?language=no+such')).toBe('400 input.invalid')
  expect(await code(wav, 'application/octet-stream')).toBe('415 input.unsupported_media_type')
  expect(await code(wav, 'video/webm')).toBe('415 input.unsupported_media_type')
  const tooLarge = Buffer.alloc(33 * 1024 * 1024, 'RIFF')
  expect(await code(tooLarge, 'audio/wav')).toBe('413 input.too_large')
  // Without a length it is cut off where it is too long.
  expect(await code(new Blob([tooLarge]).stream(), 'audio/wav')).toBe('413 input.too_large')
  const elsewhere = await app.fetch('/api/v1/speech/syntheses', {
    method: 'POST',
    headers: { ...user.headers, 'content-type': 'audio/wav' },
    body: Buffer.from(wav),
  })
  expect(elsewhere.status).toBe(415)
  const anonymous = await app.fetch('/api/v1/speech/transcriptions', {
    method: 'POST',
    headers: { 'content-type': 'audio/wav' },
    body: Buffer.from(wav),
  })
  expect(anonymous.status).toBe(401)
})

test('the API’s document names both ways to send audio', async () => {
  const document = (await (await app.fetch('/openapi.json')).json()) as {
    paths: Record<string, { post?: { requestBody?: { content: object } } }>
  }
  expect(document.paths['/api/v1/speech/transcriptions']?.post?.requestBody).toMatchObject({
    required: true,
    content: {
      'audio/*': { schema: { type: 'string', format: 'binary' } },
      'multipart/form-data': { schema: { required: ['file'] } },
    },
  })
})

test('what is no audio is told, whatever was done to it', async () => {
  const code = async (audio: Uint8Array | null, query = '') => {
    const { status, body } = await upload(audio, query)
    return `${status} ${body.code}`
  }
  expect(await code(null)).toBe('400 upload.missing')
  expect(await code(Buffer.from('hello'))).toBe('415 speech.unsupported_audio')
  expect(await code(new Uint8Array(0))).toBe('400 speech.bad_audio')
  expect(await code(Buffer.from('RIFF'))).toBe('400 speech.bad_audio')
  expect(await code(Buffer.from('OggS then nothing'))).toBe('400 speech.bad_audio')
  expect(await code(Buffer.from('1a45dfa3', 'hex'))).toBe('415 speech.unsupported_audio')
  expect(await code(writeWav(voice(100), 16_000), '?language=no+such')).toBe('400 input.invalid')
  expect(await code(Buffer.alloc(33 * 1024 * 1024, 'RIFF'))).toBe('413 input.too_large')
  const files = [
    await oggOf(voice(200, 48_000)),
    await webmOf(voice(200, 48_000)),
    writeWav(voice(50), 16_000),
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 20 }),
      fc.nat(),
      async (file, changes, end) => {
        const bytes = Buffer.from(file)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        try {
          const audio = openAudioFile(bytes.subarray(0, end % (bytes.length + 1)))
          for await (const pcm of audio.pieces()) expect(pcm.length).toBeLessThanOrEqual(96_000)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^speech\./) })
        }
      },
    ),
    { numRuns: 400 },
  )
})

test('long audio is a job of its owner: utterance by utterance, readable for a day, deleted on request', async () => {
  const gap = silence(1500, 16_000)
  const sound = joinPcm([gap, voice(20_000), gap, voice(20_000), gap, voice(20_000), gap])
  const { status, body } = await upload(writeWav(sound, 16_000))
  expect(status).toBe(201)
  expect(body).toMatchObject({ state: 'queued', text: null, engine: 'scripted', seconds: 66 })
  const path = `/api/v1/speech/transcriptions/${body.id}`
  const read = async (who: TestUser) => {
    const response = await app.fetch(path, { headers: who.headers })
    return { status: response.status, body: (await response.json()) as Transcription }
  }
  await vi.waitFor(async () => expect((await read(user)).body.state).toBe('done'), {
    timeout: 30_000,
    interval: 50,
  })
  const { text } = (await read(user)).body
  for (const line of script) expect(text).toContain(line)
  const job = (await (
    await app.fetch(`/api/v1/jobs/${body.job_id}`, { headers: user.headers })
  ).json()) as JobView
  expect(job).toMatchObject({ owner_id: user.user.id, name: 'core.transcribe_speech' })
  // The audio goes after the text is there.
  await vi.waitFor(
    async () => expect((await app.core.storage.get(`speech/transcriptions/${body.id}`)) === null).toBe(true),
    20_000,
  )
  expect((await read(await signUp(app))).status).toBe(404)
  expect((await app.fetch(path, { method: 'DELETE', headers: user.headers })).status).toBe(204)
  expect((await read(user)).status).toBe(404)
})

test('long audio that breaks in the middle fails with its reason, once', async () => {
  const ogg = Buffer.from(await oggOf(voice(61_000, 48_000)))
  // A packet of two frames of one size and an odd length: no Opus.
  const page = ogg.lastIndexOf('OggS')
  const at = page + 27 + (ogg[page + 26] ?? 0)
  ogg.fill(0xff, at)
  const { body } = await upload(ogg)
  await vi.waitFor(
    async () => {
      const path = `/api/v1/speech/transcriptions/${body.id}`
      const found = (await (await app.fetch(path, { headers: user.headers })).json()) as Transcription
      expect(found).toMatchObject({ state: 'failed', text: null, error_code: 'speech.bad_opus_packet' })
    },
    { timeout: 30_000, interval: 50 },
  )
})

test('text is spoken as WAV and as Ogg, with the engine named; only words are spoken', async () => {
  const text = '# 你好\n\n这是**一个**测试。[链接](https://example.com)\n```js\nvar a\n```'
  const wav = await speak({ text })
  expect(wav.status).toBe(200)
  expect(Object.fromEntries(wav.headers)).toMatchObject({
    'content-type': 'audio/wav',
    'x-speech-engine': 'espeak',
    'x-speech-preview': 'true',
  })
  const sound = readWav(new Uint8Array(await wav.arrayBuffer()))
  expect(sound.sample_rate).toBe(24_000)
  expect(loudnessOf(sound.pcm)).toBeGreaterThan(300)
  const ogg = await speak({ text, format: 'ogg', speed: 1, voice: 'cmn' })
  expect(ogg.headers.get('content-type')).toBe('audio/ogg')
  const file = openAudioFile(new Uint8Array(await ogg.arrayBuffer()))
  expect(Math.abs(file.seconds - sound.pcm.length / 24_000)).toBeLessThan(0.3)
  // What was spoken can be listened to again.
  const again = await upload(writeWav(sound.pcm, 24_000))
  expect(again.body.text).toEqual(isLine)
})

test('what is wrong with audio is said in the language of who sent it', async () => {
  const wav = writeWav(voice(50), 16_000).slice()
  wav[22] = 9
  const detail = async (audio: Uint8Array, language: string) => {
    const response = await app.fetch('/api/v1/speech/transcriptions', {
      method: 'POST',
      headers: { ...user.headers, 'content-type': 'audio/wav', 'accept-language': language },
      body: Buffer.from(audio),
    })
    return ((await response.json()) as { detail: string }).detail
  }
  expect(await detail(new Uint8Array(0), 'en')).toBe('The audio cannot be read: the file is empty.')
  expect(await detail(new Uint8Array(0), 'zh-CN')).toBe('无法读取这段音频：文件是空的。')
  expect(await detail(wav, 'en')).toBe('The audio cannot be read: only 1 to 8 channels are read.')
  expect(await detail(wav, 'zh-CN')).toBe('无法读取这段音频：只支持 1 到 8 个声道。')
})

test('nothing to speak is silence, an unknown voice an error', async () => {
  const nothing = await speak({ text: '😀' })
  expect(readWav(new Uint8Array(await nothing.arrayBuffer())).pcm).toHaveLength(0)
  const missing = await speak({ text: '你好', voice: 'nobody' })
  expect(missing.status).toBe(400)
  expect(await missing.json()).toMatchObject({ code: 'speech.voice_not_found' })
  expect((await speak({ text: '' })).status).toBe(400)
  expect((await speak({ text: '字'.repeat(10_001) })).status).toBe(400)
})

test('a listener who leaves ends the speaking', async () => {
  const abort = new AbortController()
  const response = await speak({ text: '这是一个很长的故事，请听我慢慢道来。'.repeat(300) }, abort.signal)
  const reader = response.body?.getReader()
  expect((await reader?.read())?.value?.length).toBeGreaterThan(0)
  abort.abort()
  await vi.waitFor(
    async () => {
      const metrics = await app.core.metrics.registry.metrics()
      expect(metrics).toContain('speech_requests_total{kind="synthesis",engine="espeak",outcome="aborted"} 1')
    },
    { timeout: 30_000 },
  )
})

test('what was spoken and heard is counted', async () => {
  const metrics = await app.core.metrics.registry.metrics()
  expect(metrics).toMatch(/speech_requests_total\{kind="recognition",engine="scripted",outcome="done"\} \d+/)
  expect(metrics).toMatch(/speech_seconds_total\{kind="synthesis",engine="espeak"\} \d+/)
  expect(metrics).toContain('speech_first_sound_seconds_count{engine="espeak"}')
  // A listener who leaves is no failure.
  expect(app.logLines.filter(line => line.includes('"level":"ERROR"'))).toEqual([])
})
