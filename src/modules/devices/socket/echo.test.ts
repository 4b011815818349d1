import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { answerSteps } from '#core/testing/fake-openai.ts'
import type { ChatApp } from '#modules/chat/testing.ts'
import { voiceLike } from '../simulator/sound.ts'
import { startTalkApp, talkingDevice } from './talk.testing.ts'

const story = Array.from({ length: 12 }, (_, i) => `这是故事的第${i + 1}句话，讲得很长很长。`).join('')
let app: ChatApp
beforeAll(async () => {
  app = await startTalkApp({ script: () => ({ steps: answerSteps(story) }) })
})
afterAll(() => app.stop())

test('a device that leaves its echo to the server does not interrupt itself, and is heard again afterwards', async () => {
  const device = await talkingDevice(app, { hello: { features: { aec: true } } })
  const of = (type: string, state?: string) =>
    device.messages.filter(message => message.type === type && message.state === state)
  device.send({ type: 'listen', state: 'start', mode: 'realtime' })
  await device.speak(voiceLike(900), { speed: 3 })
  await vi.waitFor(() => expect(device.packets.length).toBeGreaterThan(5), 30_000)
  // Its own voice comes back through the open microphone.
  await device.speak(voiceLike(900), { speed: 4, silence_ms: 1000 })
  expect([of('stt').length, of('tts', 'stop').length]).toEqual([1, 0])
  device.send({ type: 'abort', reason: 'wake_word_detected' })
  await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
  await device.speak(voiceLike(900), { speed: 3 })
  await vi.waitFor(() => expect(of('stt').length).toBe(2), 30_000)
  device.send({ type: 'abort' })
  await device.close()
})
