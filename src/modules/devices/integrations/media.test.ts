import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Page } from '#core/http/page.ts'
import { newId } from '#core/ids.ts'
import { joinPcm, resample } from '#core/speech/resample.ts'
import type { Pcm } from '#core/speech/types.ts'
import { readWav, writeWav } from '#core/speech/wav.ts'
import { answerSteps, type FakeOpenaiScript } from '#core/testing/fake-openai.ts'
import type { ChatApp } from '#modules/chat/testing.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { startTalkApp, talkingDevice } from '../socket/talk.testing.ts'
import { createMediaLibrary, type MediaItem } from './media.ts'
import { readWavStream } from './wav-stream.ts'

let app: ChatApp
let operator: TestUser
let script: FakeOpenaiScript = () => ({ steps: answerSteps('好的。') })

beforeAll(async () => {
  app = await startTalkApp({
    script: (request, count) => script(request, count),
    settings: { DEVICES_MEDIA_MAX_MB: '1', DEVICES_WEATHER: 'off' },
  })
  operator = await signInAdmin(app)
})
afterAll(() => app.stop())

type Answer<T> = { status: number; body: T & { code?: string } }

async function call<T>(who: TestUser, method: string, path: string, body?: object): Promise<Answer<T>> {
  const response = await app.fetch(`/api/v1/devices${path}`, {
    method,
    headers: { ...who.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  return { status: response.status, body: (text ? JSON.parse(text) : null) as T & { code?: string } }
}

async function upload(
  bytes: Uint8Array | string,
  fields: Record<string, string>,
  who = operator,
): Promise<Answer<MediaItem>> {
  const form = new FormData()
  form.append('file', new Blob([Buffer.from(bytes)]), 'file.bin')
  const query = new URLSearchParams({ kind: 'music', title: 'Song', ...fields })
  const response = await app.fetch(`/api/v1/devices/media?${query}`, {
    method: 'POST',
    headers: who.headers,
    body: form,
  })
  return { status: response.status, body: (await response.json()) as MediaItem & { code?: string } }
}

const list = async (who: TestUser, query: string) =>
  (await call<Page<MediaItem>>(who, 'GET', `/media?limit=50&${query}`)).body.items

/** A tone. */
function tone(milliseconds: number, sample_rate: number): Pcm {
  const pcm = new Int16Array((sample_rate * milliseconds) / 1000)
  for (let i = 0; i < pcm.length; i++)
    pcm[i] = Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / sample_rate))
  return pcm
}

test('operators fill the library, users search it in both languages, and bytes tell what a file is', async () => {
  const user = await signUp(app)
  const song = await upload(writeWav(tone(1500, 16_000), 16_000), {
    title: '月亮代表我的心',
    artist: 'Teresa Teng',
    style: '抒情',
  })
  expect(song).toMatchObject({
    status: 201,
    body: { media_type: 'audio/wav', duration_ms: 1500, is_unlocked: true },
  })
  const dance = await upload('{"steps": [1, 2]}', { kind: 'dance', title: 'Robot dance' })
  expect(dance.body.media_type).toBe('application/json')
  const mp3 = await upload(Buffer.from('ID3\u0004 and so on', 'latin1'), { title: 'Tape' })
  expect(mp3.body).toMatchObject({ media_type: 'audio/mpeg', duration_ms: null })

  const titles = async (query: string) => (await list(user, query)).map(({ title }) => title)
  expect(await titles(`q=${encodeURIComponent('月亮')}`)).toEqual(['月亮代表我的心'])
  expect(await titles('q=teresa')).toEqual(['月亮代表我的心'])
  expect(await titles(`q=${encodeURIComponent('抒情')}&kind=music`)).toEqual(['月亮代表我的心'])
  expect(await titles('kind=dance')).toEqual(['Robot dance'])

  const changed = await call<MediaItem>(operator, 'PATCH', `/media/${song.body.id}`, { style: '老歌' })
  expect(changed.body).toMatchObject({ style: '老歌', artist: 'Teresa Teng' })
  expect(await titles(`q=${encodeURIComponent('老歌')}`)).toEqual(['月亮代表我的心'])
  expect(await titles(`q=${encodeURIComponent('抒情')}`)).toEqual([])

  expect((await upload('not a song', {})).body.code).toBe('media.type_refused')
  expect((await upload('[1]', { kind: 'dance' })).body.code).toBe('media.type_refused')
  expect((await upload('', {})).status).toBe(415)
  expect((await upload(writeWav(tone(40_000, 16_000), 16_000), {})).status).toBe(413)
  expect((await upload('{}', { kind: 'dance' }, user)).status).toBe(403)
  expect((await call(user, 'DELETE', `/media/${song.body.id}`)).status).toBe(403)
  expect((await call(operator, 'DELETE', `/media/${mp3.body.id}`)).status).toBe(204)
  expect((await call(user, 'GET', `/media/${mp3.body.id}/content`)).status).toBe(404)
})

test('what a card unlocks is played by those who have it, and by nobody else', async () => {
  const user = await signUp(app)
  const template_id = newId()
  const { body: song } = await upload(writeWav(tone(500, 16_000), 16_000), {
    title: 'Rare song',
    template_id,
  })
  expect((await list(user, 'q=rare'))[0]).toMatchObject({ id: song.id, is_unlocked: false })
  expect(await call(user, 'GET', `/media/${song.id}/content`)).toMatchObject({
    status: 403,
    body: { code: 'media.locked' },
  })
  // Whoever keeps the library hears what is in it.
  expect((await app.fetch(`/api/v1/devices/media/${song.id}/content`, operator)).status).toBe(200)
  const item = { id: newId(), template_id, template_version: 1, category: 'song', rarity: 'rare' } as const
  const owner = { ...item, name: 'Rare song', attributes: {}, acquired_at: new Date().toISOString() }
  const library = createMediaLibrary({ ...app.core, cards: { itemsOf: async () => [owner] } })
  expect(await library.pick(user.user.id, 'music', { query: 'rare' })).toMatchObject({ is_unlocked: true })
  await expect(library.pick(user.user.id, 'dance', { id: song.id })).rejects.toMatchObject({ status: 404 })

  const connected = await talkingDevice(app, { owner: user })
  connected.send({ type: 'music', action: 'play', id: song.id, request_id: 'p' })
  const refused = await connected.waitFor(({ request_id }) => request_id === 'p')
  expect(refused).toMatchObject({ type: 'error', code: 'media.locked' })
  await call(operator, 'PATCH', `/media/${song.id}`, { template_id: null })
  connected.send({ type: 'music', action: 'play', query: 'rare', request_id: 'q' })
  const found = await connected.waitFor(({ request_id }) => request_id === 'q')
  const { url } = found.result as { url: string }
  // Whole: a device has no page that it could belong to.
  expect(url).toMatch(/^http:\/\//)
  const file = await fetch(url)
  expect(file.headers.get('content-type')).toBe('audio/wav')
  expect(readWav(new Uint8Array(await file.arrayBuffer())).pcm).toHaveLength(8000)
  connected.send({ type: 'music', action: 'play', id: 'not an id', request_id: 'r' })
  expect(await connected.waitFor(({ request_id }) => request_id === 'r')).toMatchObject({
    type: 'error',
    code: 'media.not_found',
  })
  await connected.close()
})

test('a file is played from any place in it, and a length that was a mistake is taken back', async () => {
  const user = await signUp(app)
  const bytes = new Uint8Array(writeWav(tone(500, 16_000), 16_000))
  const { body: song } = await upload(bytes, { title: 'Long song' })
  const part = async (range: string) => {
    const headers = { ...user.headers, range }
    const response = await app.fetch(`/api/v1/devices/media/${song.id}/content`, { headers })
    const content = new Uint8Array(await response.arrayBuffer())
    return { status: response.status, range: response.headers.get('content-range'), content }
  }
  const whole = `/${bytes.length}`
  expect(await part('bytes=0-1')).toEqual({
    status: 206,
    range: `bytes 0-1${whole}`,
    content: bytes.slice(0, 2),
  })
  expect(await part('bytes=-4')).toMatchObject({
    status: 206,
    range: `bytes ${bytes.length - 4}-${bytes.length - 1}${whole}`,
    content: bytes.slice(-4),
  })
  expect((await part(`bytes=${bytes.length}-`)).status).toBe(416)

  const tape = await upload(Buffer.from('ID3\u0004', 'latin1'), { title: 'Tape', duration_ms: '7000' })
  const path = `/media/${tape.body.id}`
  expect((await call<MediaItem>(user, 'GET', path)).body).toMatchObject({ title: 'Tape', duration_ms: 7000 })
  expect((await call(operator, 'PATCH', path, { duration_ms: null })).status).toBe(200)
  expect((await call<MediaItem>(user, 'GET', path)).body.duration_ms).toBeNull()
  await call(operator, 'DELETE', path)
  expect((await call(user, 'GET', path)).body.code).toBe('media.not_found')
})

test('a track that the model chose is played after its answer, and one that is no WAV is refused', async () => {
  const user = await signUp(app)
  await upload(writeWav(tone(600, 16_000), 16_000), { title: 'Twinkle star' })
  script = ({ body }) =>
    !body?.tools || (body.messages as { role: string }[]).at(-1)?.role === 'tool'
      ? { steps: answerSteps('好的。') }
      : {
          steps: [
            { tool_call: { index: 0, id: 'c', name: 'play_music', arguments: '{"query":"twinkle"}' } },
            { finish: 'tool_calls' },
          ],
        }
  const device = await talkingDevice(app, { owner: user })
  device.send({ type: 'listen', state: 'detect', text: '放一首小星星' })
  await device.waitFor(
    ({ type, state, text }) => type === 'tts' && state === 'sentence_start' && text === 'Twinkle star',
  )
  const at = device.messages.length
  await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop', { from: at - 1 })
  await vi.waitFor(async () => {
    const { body } = await call<Page<{ state: string; result: object }>>(
      user,
      'GET',
      `/devices/${device.id}/commands`,
    )
    expect(body.items).toMatchObject([{ state: 'done', result: { played: true } }])
  }, 30_000)

  const { body: tape } = await upload(Buffer.from('ID3\u0004 and so on', 'latin1'), { title: 'Tape' })
  const command = { command: { kind: 'music', track_id: tape.id } }
  await call(user, 'POST', `/devices/${device.id}/commands`, command)
  await vi.waitFor(async () => {
    const { body } = await call<Page<{ state: string; result: object }>>(
      user,
      'GET',
      `/devices/${device.id}/commands`,
    )
    expect(body.items[0]).toMatchObject({ state: 'failed', result: { error: 'media.not_decodable' } })
  }, 30_000)
  await device.close()
})

test('a song that could not begin, since somebody talked while it was sought, comes after the answer', async () => {
  const user = await signUp(app)
  script = () => ({ steps: answerSteps('我在听你说话呢。') })
  const { body: song } = await upload(writeWav(tone(300, 16_000), 16_000), { title: 'Lullaby' })
  const device = await talkingDevice(app, { owner: user })
  device.send({ type: 'listen', state: 'start', mode: 'auto' })
  const commands = async () =>
    (await call<Page<{ state: string; result: object }>>(user, 'GET', `/devices/${device.id}/commands`)).body
      .items
  await app.core.db.transaction(async tx => {
    await sql`LOCK TABLE devices_media IN ACCESS EXCLUSIVE MODE`.execute(tx)
    await call(user, 'POST', `/devices/${device.id}/commands`, {
      command: { kind: 'music', track_id: song.id },
    })
    await vi.waitFor(async () => expect(await commands()).toMatchObject([{ state: 'sent' }]), 20_000)
    device.send({ type: 'listen', state: 'detect', text: '你在吗？' })
    await device.waitFor(({ type, state }) => type === 'tts' && state === 'sentence_start')
  })
  await device.waitFor(({ type, text }) => type === 'tts' && text === 'Lullaby')
  await vi.waitFor(
    async () => expect(await commands()).toMatchObject([{ state: 'done', result: { played: true } }]),
    30_000,
  )
  await device.close()
})

test('a stream of WAV is what the whole file is, however it is cut', async () => {
  const whole = Buffer.from(writeWav(tone(700, 22_050), 22_050))
  // A part that nobody knows stands before the sound.
  const note = Buffer.from('LIST\u0005\0\0\0abcde\0', 'latin1')
  const file = Buffer.concat([whole.subarray(0, 12), note, whole.subarray(12)])
  const expected = resample(readWav(whole).pcm, 22_050, 24_000)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 8 }),
      async sizes => {
        const pieces = async function* () {
          for (let at = 0, i = 0; at < file.length; i++) {
            const size = sizes[i % sizes.length] ?? 1
            yield file.subarray(at, at + size)
            at += size
          }
        }
        const parts: Pcm[] = []
        for await (const pcm of readWavStream(pieces(), 24_000)) parts.push(pcm)
        expect(joinPcm(parts)).toEqual(expected)
      },
    ),
    { numRuns: 10 },
  )
  const read = async (bytes: Buffer) => {
    const one = async function* () {
      yield bytes
    }
    const parts: Pcm[] = []
    for await (const pcm of readWavStream(one(), 24_000)) parts.push(pcm)
    return joinPcm(parts)
  }
  await expect(read(Buffer.from('RIFF1234WAVEfmt '))).rejects.toMatchObject({ code: 'speech.bad_audio' })
  await expect(read(Buffer.from('nonsense, at least twelve bytes'))).rejects.toMatchObject({
    code: 'speech.bad_audio',
  })
  // Cut off, it is played as far as it goes.
  expect((await read(file.subarray(0, file.length - 1001))).length).toBeLessThan(expected.length)
})
