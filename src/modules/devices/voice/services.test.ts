import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type FakeAliyun, startFakeAliyun } from '#core/speech/testing/fake-aliyun.ts'
import type { SpeechFault } from '#core/speech/testing/fake-speech.ts'
import { type FakeVolcengine, startFakeVolcengine } from '#core/speech/testing/fake-volcengine.ts'
import { answerSteps } from '#core/testing/fake-openai.ts'
import type { ChatApp } from '#modules/chat/testing.ts'
import { voiceLike } from '../simulator/sound.ts'
import { startTalkApp, type TestDevice, talkingDevice } from '../socket/talk.testing.ts'

/* Talks whose services fail: one that listens, another that speaks. */

let app: ChatApp
let listener: FakeAliyun
let speaker: FakeVolcengine
const answer = Array.from({ length: 6 }, (_, i) => `这是故事的第${i + 1}句话。`).join('')

beforeAll(async () => {
  listener = await startFakeAliyun()
  speaker = await startFakeVolcengine()
  app = await startTalkApp({
    script: () => ({ steps: answerSteps(answer) }),
    settings: {
      ...listener.env,
      ...speaker.env,
      SPEECH_RECOGNIZER: 'aliyun',
      SPEECH_SYNTHESIZER: 'volcengine',
    },
  })
})
afterEach(async () => {
  listener.heal()
  speaker.heal()
  // Whatever happened, no call is left open.
  await vi.waitFor(() => expect([listener.open, speaker.open]).toEqual([0, 0]), 30_000)
})
afterAll(async () => {
  await app?.stop()
  await listener?.stop()
  await speaker?.stop()
})

const stopped = (device: TestDevice, from = 0) =>
  device.waitFor(({ type, state }) => type === 'tts' && state === 'stop', { from })

async function lastTurn(device: TestDevice) {
  return vi.waitFor(async () => {
    const path = `/api/v1/devices/devices/${device.id}/turns`
    const response = await app.fetch(path, { headers: device.owner.headers })
    const { items } = (await response.json()) as { items: Record<string, number | string | null>[] }
    expect(items.length).toBe(1)
    return items[0]
  }, 20_000)
}

const dying: SpeechFault[] = [{ is: 'cut' }, { is: 'refused', status: 500 }]

test.each(dying)('a listener that dies is told of, and the talk goes on: $is', async fault => {
  const device = await talkingDevice(app)
  device.send({ type: 'listen', state: 'start', mode: 'auto' })
  listener.fail(fault, 'keep')
  await device.speak(voiceLike(900), { speed: 3 })
  await device.waitFor(({ type }) => type === 'alert')
  device.send({ type: 'abort' })
  await stopped(device)
  expect(await lastTurn(device)).toMatchObject({ outcome: 'failed', text_ms: null })
  listener.heal()
  const from = device.messages.length
  await device.speak(voiceLike(900), { speed: 3 })
  await device.waitFor(({ type }) => type === 'stt', { from })
  device.send({ type: 'abort' })
  await device.close()
})

test.each(dying)('a voice that dies is told of, and the talk goes on: $is', async fault => {
  const device = await talkingDevice(app)
  speaker.fail(fault, 'keep')
  device.send({ type: 'listen', state: 'detect', text: '讲个故事' })
  await device.waitFor(({ type }) => type === 'alert')
  await stopped(device)
  expect(await lastTurn(device)).toMatchObject({ outcome: 'failed' })
  speaker.heal()
  const from = device.messages.length
  device.send({ type: 'listen', state: 'detect', text: '再来' })
  await device.waitFor(({ type, state }) => type === 'tts' && state === 'sentence_start', { from })
  device.send({ type: 'abort' })
  await device.close()
})

test.each(['abort', 'close', 'terminate', 'goodbye', 'listen'] as const)(
  'a service that hangs is let go: %s',
  async how => {
    for (const which of ['listener', 'speaker'] as const) {
      const device = await talkingDevice(app)
      const hanging = which === 'listener' ? listener : speaker
      hanging.fail({ is: 'stalled' }, 'keep')
      device.send({ type: 'listen', state: 'start', mode: 'manual' })
      await device.speak(voiceLike(900), { speed: 6, silence_ms: 0 })
      device.send({ type: 'listen', state: 'stop' })
      await vi.waitFor(() => expect(hanging.open).toBeGreaterThan(0), 30_000)
      await vi.waitFor(
        () =>
          expect(
            which === 'listener' ? listener.recognitions.length : speaker.utterances.length,
          ).toBeGreaterThan(0),
        30_000,
      )
      if (how === 'close') await device.close()
      else if (how === 'terminate') device.webSocket.terminate()
      else if (how === 'listen') device.send({ type: 'listen', state: 'start', mode: 'manual' })
      else device.send({ type: how })
      await vi.waitFor(() => expect(hanging.open).toBe(0), 30_000)
      expect(await lastTurn(device)).toMatchObject({ outcome: 'aborted' })
      device.webSocket.terminate()
      listener.heal()
      speaker.heal()
      listener.recognitions = []
      speaker.utterances = []
    }
  },
)
