import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { answerSteps, type FakeOpenaiScript } from '#core/testing/fake-openai.ts'
import { asksForAnswer, type ChatApp } from '#modules/chat/testing.ts'
import type { Received } from '../simulator/device.ts'
import { roomNoise, voiceLike } from '../simulator/sound.ts'
import { startTalkApp, type TestDevice, talkingDevice } from '../socket/talk.testing.ts'

let app: ChatApp
let script: FakeOpenaiScript
const short: FakeOpenaiScript = () => ({ steps: answerSteps('😊我是小榕。') })
const sentences = Array.from({ length: 12 }, (_, i) => `这是故事的第${i + 1}句话，讲得很长很长。`)
const long: FakeOpenaiScript = () => ({ steps: answerSteps(sentences.join('')) })
/** A model that begins, and then says nothing more until it is hung up on. */
const hanging: FakeOpenaiScript = () => ({
  steps: [...answerSteps('从前有一座山。山里').slice(0, -1), { pause: 600_000 }],
})

beforeAll(async () => {
  app = await startTalkApp({
    script: (request, count) => (asksForAnswer(request) ? script : short)(request, count),
  })
})
beforeEach(() => {
  script = short
  app.upstream.requests.length = 0
})
afterAll(() => app.stop())

const isTts = (state: string) => (message: Received) => message.type === 'tts' && message.state === state
const of = (device: TestDevice, ...types: string[]) =>
  device.messages.filter(({ type }) => types.includes(type))
const order = (device: TestDevice) =>
  of(device, 'stt', 'tts', 'llm').map(({ type, state }) => (state === undefined ? type : `${type} ${state}`))
const listen = (device: TestDevice, mode: string) => device.send({ type: 'listen', state: 'start', mode })
const stopped = (device: TestDevice, from = 0) => device.waitFor(isTts('stop'), { from })
const tell = (device: TestDevice, text: string) => device.send({ type: 'listen', state: 'detect', text })

type TurnRow = Record<string, number | string | null>
async function turnsOf(device: TestDevice, count = 1): Promise<TurnRow[]> {
  let rows: TurnRow[] = []
  await vi.waitFor(async () => {
    const answer = await app.fetch(`/api/v1/devices/devices/${device.id}/turns`, {
      headers: device.owner.headers,
    })
    rows = ((await answer.json()) as { items: TurnRow[] }).items
    expect(rows.length).toBe(count)
  }, 30_000)
  return rows
}

/** The stored answer of the talk that a device is in. */
async function answersOf(device: TestDevice): Promise<{ content: string; status: string }[]> {
  const [turn] = await turnsOf(device)
  const path = `/api/v1/chat/conversations/${turn?.conversation_id}/messages?limit=50`
  const answer = await app.fetch(path, { headers: device.owner.headers })
  const { items } = (await answer.json()) as { items: { role: string; content: string; status: string }[] }
  return items.filter(({ role }) => role === 'assistant')
}

/** Nothing more of the sound comes, be the connection as busy as it may. */
async function expectSilence(device: TestDevice) {
  const before = device.packets.length
  for (let i = 0; i < 5; i++) {
    const from = device.messages.length
    device.send({ type: 'ping' })
    await device.waitFor(({ type }) => type === 'pong', { from })
  }
  expect(device.packets.length).toBe(before)
}

describe('a turn', () => {
  test('auto: the server hears the end, and everything comes in the order that devices need', async () => {
    const device = await talkingDevice(app)
    listen(device, 'auto')
    await device.speak(voiceLike(900), { speed: 3 })
    await stopped(device)
    expect(order(device)).toEqual(['stt', 'tts start', 'llm', 'tts sentence_start', 'tts stop'])
    expect(of(device, 'stt')[0]).toMatchObject({ text: '你好，你是谁？' })
    expect(of(device, 'llm')[0]).toMatchObject({ emotion: 'happy', text: '😊' })
    expect(of(device, 'tts')[1]?.text).toBe('我是小榕。')
    const [start, subtitle, stop] = of(device, 'tts').map(({ at }) => at)
    const [first, last] = [device.packets[0]?.at ?? 0, device.packets.at(-1)?.at ?? 0]
    // A device that enters its speaking state empties its queue: the sound waits a little.
    expect(first - (start ?? 0)).toBeGreaterThan(10)
    expect(first).toBeGreaterThanOrEqual(subtitle ?? 0)
    // The last packet has been played when it is told to stop.
    expect((stop ?? 0) - last).toBeGreaterThan(60)
    const [turn] = await turnsOf(device)
    expect(turn).toMatchObject({ source: 'voice', outcome: 'done', silence_ms: 700, abort_ms: null })
    const stages = ['text_ms', 'first_token_ms', 'first_sentence_ms', 'first_audio_ms', 'end_ms']
    const times = stages.map(stage => Number(turn?.[stage]))
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(turn?.spoken_ms).toBe(device.packets.length * 60)
    // It listens again without being asked.
    const from = device.messages.length
    await device.speak(voiceLike(900), { speed: 3 })
    await device.waitFor(({ type }) => type === 'stt', { from })
    await device.close()
  })

  test('manual: the button says when; without a sound nothing is answered', async () => {
    const device = await talkingDevice(app)
    listen(device, 'manual')
    await device.speak(voiceLike(600), { speed: 4, silence_ms: 0 })
    device.send({ type: 'listen', state: 'stop' })
    await stopped(device)
    expect((await turnsOf(device))[0]).toMatchObject({ source: 'voice', silence_ms: 0, outcome: 'done' })
    const from = device.messages.length
    listen(device, 'manual')
    device.send({ type: 'listen', state: 'stop' })
    device.send({ type: 'ping' })
    await device.waitFor(({ type }) => type === 'pong', { from })
    expect(order(device).length).toBe(5)
    await device.close()
  })

  test('nothing is said before the first listen, and nothing after a wake word alone', async () => {
    const device = await talkingDevice(app)
    await device.speak(voiceLike(700), { speed: 6 })
    tell(device, '你好，小智')
    listen(device, 'auto')
    device.send({ type: 'ping' })
    await device.waitFor(({ type }) => type === 'pong')
    expect(of(device, 'stt', 'tts', 'llm')).toEqual([])
    await device.close()
  })

  test('a typed question needs no sound, and the talk goes on over connections', async () => {
    const device = await talkingDevice(app)
    tell(device, '你会唱歌吗？')
    await stopped(device)
    await turnsOf(device)
    tell(device, '唱一首吧')
    await stopped(device, device.messages.length)
    const [second, first] = await turnsOf(device, 2)
    expect(second?.conversation_id).toBe(first?.conversation_id)
    // Nothing was recognised: it would make recognition look fast.
    expect(second).toMatchObject({ source: 'text', silence_ms: null, text_ms: null })
    await device.close()
  })

  test('many turns at once are answered, each for itself', async () => {
    const devices: TestDevice[] = []
    while (devices.length < 8) devices.push(await talkingDevice(app))
    await Promise.all(
      devices.map(async (device, i) => {
        tell(device, `第${i}个问题`)
        await stopped(device)
      }),
    )
    for (const [i, device] of devices.entries()) {
      expect(of(device, 'stt').map(({ text }) => text)).toEqual([`第${i}个问题`])
      expect(device.packets.length).toBeGreaterThan(5)
    }
    await Promise.all(devices.map(device => device.close()))
  })
})

describe('being interrupted', () => {
  test('abort: tts/stop, not a packet more, the model is hung up on, and what was heard is what is kept', async () => {
    script = long
    const device = await talkingDevice(app)
    tell(device, '讲个故事')
    await vi.waitFor(() => expect(device.packets.length).toBeGreaterThan(30), 30_000)
    device.send({ type: 'abort', reason: 'wake_word_detected' })
    await stopped(device)
    await expectSilence(device)
    expect(of(device, 'tts').filter(({ state }) => state === 'stop').length).toBe(1)
    const [turn] = await turnsOf(device)
    expect(turn).toMatchObject({ outcome: 'aborted', abort_ms: expect.any(Number) })
    await vi.waitFor(async () => {
      const [answer] = await answersOf(device)
      const kept = answer?.content ?? ''
      expect(answer?.status).toBe('stopped')
      expect(kept.length).toBeGreaterThan(3)
      expect(kept.length).toBeLessThan(sentences.join('').length / 2)
      expect(sentences.join('').startsWith(kept)).toBe(true)
    }, 20_000)
    await device.close()
  })

  test('abort while the model still thinks hangs up on it', async () => {
    script = hanging
    const device = await talkingDevice(app)
    tell(device, '讲个故事')
    await device.waitFor(isTts('start'))
    await vi.waitFor(() => expect(app.upstream.requests.some(asksForAnswer)).toBe(true), 20_000)
    device.send({ type: 'abort' })
    await stopped(device)
    expect(await app.upstream.requests.find(asksForAnswer)?.aborted).toBe(true)
    await expectSilence(device)
    await device.close()
  })

  test('abort with nothing to stop is answered too, and a storm of aborts and questions ends in peace', async () => {
    script = long
    const device = await talkingDevice(app)
    device.send({ type: 'abort' })
    await stopped(device)
    for (let i = 0; i < 12; i++) {
      tell(device, `问题${i}`)
      if (i % 3 === 0) device.send({ type: 'abort' })
      if (i % 4 === 0) listen(device, 'auto')
    }
    device.send({ type: 'abort' })
    device.send({ type: 'ping' })
    await device.waitFor(({ type }) => type === 'pong')
    await expectSilence(device)
    // Every start has its stop.
    const states = of(device, 'tts').map(({ state }) => state)
    expect(states.filter(state => state === 'start').length).toBeLessThanOrEqual(
      states.filter(state => state === 'stop').length,
    )
    script = short
    tell(device, '还在吗？')
    const from = device.messages.length
    await device.waitFor(({ text, type }) => type === 'tts' && text === '我是小榕。', { from })
    await device.close()
  })

  test('a wake word and a new question silence the answer', async () => {
    script = long
    for (const words of ['你好小智', '换一个话题']) {
      const device = await talkingDevice(app)
      tell(device, '讲个故事')
      await vi.waitFor(() => expect(device.packets.length).toBeGreaterThan(10), 30_000)
      script = short
      tell(device, words)
      await stopped(device)
      if (words === '你好小智') await expectSilence(device)
      else await device.waitFor(({ type, text }) => type === 'tts' && text === '我是小榕。')
      script = long
      await device.close()
    }
  })

  test('realtime: who speaks while it speaks is heard', async () => {
    script = long
    const device = await talkingDevice(app)
    listen(device, 'realtime')
    await device.speak(voiceLike(900), { speed: 2 })
    await vi.waitFor(() => expect(device.packets.length).toBeGreaterThan(10), 30_000)
    script = short
    const from = device.messages.length
    await device.speak(voiceLike(900), { speed: 2 })
    await stopped(device, from)
    await device.waitFor(({ type, text }) => type === 'tts' && text === '我是小榕。', { from })
    const [, first] = await turnsOf(device, 2)
    expect(first).toMatchObject({ outcome: 'aborted' })
    await device.close()
  })

  test('realtime: asking to listen again cuts nothing of what is being said', async () => {
    script = short
    const device = await talkingDevice(app)
    listen(device, 'realtime')
    await device.speak(voiceLike(900), { speed: 2, silence_ms: 0 })
    listen(device, 'realtime')
    await device.speak(roomNoise(60), { speed: 2 })
    await device.waitFor(({ type, text }) => type === 'tts' && text === '我是小榕。')
    await device.close()
  })

  test('auto: a device that speaks does not listen to itself', async () => {
    script = long
    const device = await talkingDevice(app)
    listen(device, 'auto')
    await device.speak(voiceLike(900), { speed: 3 })
    await vi.waitFor(() => expect(device.packets.length).toBeGreaterThan(5), 30_000)
    await device.speak(voiceLike(900), { speed: 4, silence_ms: 1000 })
    expect(of(device, 'stt').length).toBe(1)
    expect(of(device, 'tts').some(({ state }) => state === 'stop')).toBe(false)
    await device.close()
  })

  test('a connection that breaks in the middle ends the turn', async () => {
    script = hanging
    const device = await talkingDevice(app)
    tell(device, '讲个故事')
    await vi.waitFor(() => expect(app.upstream.requests.some(asksForAnswer)).toBe(true), 20_000)
    device.webSocket.terminate()
    expect(await app.upstream.requests.find(asksForAnswer)?.aborted).toBe(true)
    expect((await turnsOf(device))[0]).toMatchObject({ outcome: 'aborted' })
  })
})

describe('what fails', () => {
  test('a model that fails is told of, in words and on the screen, and the turn ends', async () => {
    script = () => ({ status: 500, body: { error: { message: 'broken' } } })
    const device = await talkingDevice(app)
    tell(device, '你好吗？')
    const alert = await device.waitFor(({ type }) => type === 'alert')
    expect(alert).toMatchObject({ status: 'Sorry', emotion: 'sad' })
    await device.waitFor(isTts('sentence_start'))
    device.send({ type: 'abort' })
    await stopped(device)
    expect((await turnsOf(device))[0]).toMatchObject({
      outcome: 'failed',
      error_code: expect.stringMatching(/^ai\./),
    })
    script = short
    tell(device, '再来')
    await device.waitFor(({ type, text }) => type === 'tts' && text === '我是小榕。')
    await device.close()
  })

  test('without a recogniser or a voice the device shows why', async () => {
    const deaf = await startTalkApp({
      script: () => ({ steps: answerSteps('好。') }),
      settings: { SPEECH_RECOGNIZER: 'auto', SPEECH_SYNTHESIZER: 'aliyun' },
    })
    const device = await talkingDevice(deaf)
    listen(device, 'auto')
    await device.speak(voiceLike(900), { speed: 4 })
    const alert = await device.waitFor(({ type }) => type === 'alert')
    expect(String(alert.message)).toMatch(/recognises speech|SPEECH/)
    const from = device.messages.length
    tell(device, '你好吗？')
    await device.waitFor(({ type }) => type === 'alert', { from })
    await stopped(device, from)
    await device.close()
    await deaf.stop()
  }, 120_000)
})

test('what happened is counted, and gone with the user', async () => {
  const device = await talkingDevice(app)
  tell(device, '你好吗？')
  await stopped(device)
  await turnsOf(device)
  const metrics = await (await app.fetch('/metrics')).text()
  expect(metrics).toMatch(/devices_turns_total\{source="text",outcome="done"\} [1-9]/)
  expect(metrics).toContain('devices_turn_stage_seconds_bucket')
  expect(metrics).not.toContain(device.id)
  await device.close()
  const { UserDeleted } = await import('#modules/identity/contract.ts')
  await app.core.events.publish(app.core.db.primary, UserDeleted, { user_id: device.owner.user.id })
  await vi.waitFor(async () => {
    const { rows } = await sql`SELECT 1 FROM devices_turn WHERE user_id = ${device.owner.user.id}`.execute(
      app.core.db.primary,
    )
    expect(rows).toEqual([])
  }, 30_000)
})
