import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { answerSteps, type FakeOpenaiScript } from '#core/testing/fake-openai.ts'
import { asksForAnswer, type ChatApp } from '#modules/chat/testing.ts'
import { voiceLike } from '../simulator/sound.ts'
import { startTalkApp, type TestDevice, talkingDevice } from '../socket/talk.testing.ts'

/* What is left behind when a talk is cut where nobody expects it. */

let app: ChatApp
let script: FakeOpenaiScript
const short: FakeOpenaiScript = () => ({ steps: answerSteps('好的。') })

beforeAll(async () => {
  script = short
  app = await startTalkApp({
    script: (request, count) => (asksForAnswer(request) ? script : short)(request, count),
  })
})
afterAll(() => app.stop())

type TurnRow = Record<string, number | string | null>
async function turnsOf(server: Pick<ChatApp, 'fetch'>, device: TestDevice, count = 1): Promise<TurnRow[]> {
  let rows: TurnRow[] = []
  await vi.waitFor(async () => {
    const answer = await server.fetch(`/api/v1/devices/devices/${device.id}/turns`, {
      headers: device.owner.headers,
    })
    rows = ((await answer.json()) as { items: TurnRow[] }).items
    expect(rows.length).toBe(count)
  }, 30_000)
  return rows
}

test('speech that could not be recognised is among the turns, as failed', async () => {
  const deaf = await startTalkApp({
    script: short,
    settings: { SPEECH_RECOGNIZER: 'auto' },
  })
  const device = await talkingDevice(deaf)
  device.send({ type: 'listen', state: 'start', mode: 'auto' })
  await device.speak(voiceLike(900), { speed: 4 })
  await device.waitFor(({ type, state }) => type === 'tts' && state === 'sentence_start')
  device.send({ type: 'abort' })
  const [turn] = await turnsOf(deaf, device)
  expect(turn).toMatchObject({ source: 'voice', outcome: 'failed', error_code: 'speech.not_configured' })
  // An apology is no answer.
  expect(turn).toMatchObject({
    text_ms: null,
    first_token_ms: null,
    first_sentence_ms: null,
    first_audio_ms: null,
  })
  await device.close()
  await deaf.stop()
}, 120_000)

test('after a goodbye nobody is heard until it listens anew, and then as before', async () => {
  const device = await talkingDevice(app)
  device.send({ type: 'listen', state: 'start', mode: 'realtime' })
  device.send({ type: 'goodbye' })
  device.send({ type: 'listen', state: 'start', mode: 'auto' })
  await device.speak(voiceLike(900), { speed: 3 })
  await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop')
  await device.close()
})

test('a turn ends in its record when it fell silent, not when it was stored', async () => {
  script = () => ({ steps: [...answerSteps('从前有一座山。山里').slice(0, -1), { pause: 600_000 }] })
  const device = await talkingDevice(app)
  device.send({ type: 'listen', state: 'detect', text: '讲个故事' })
  const db = app.core.db.primary
  // The question is stored by itself, while the answer is awaited.
  await vi.waitFor(async () => {
    const { rows } = await sql`SELECT FROM chat_message WHERE content = '讲个故事'`.execute(db)
    expect(rows).toHaveLength(1)
  }, 20_000)
  let atMost = 0
  await app.core.db.transaction(async tx => {
    await sql`LOCK TABLE chat_message IN ACCESS EXCLUSIVE MODE`.execute(tx)
    const sent = performance.now()
    device.send({ type: 'abort' })
    await vi.waitFor(async () => {
      const { rows } = await sql`
        SELECT FROM pg_locks WHERE NOT granted AND relation = 'chat_message'::regclass`.execute(db)
      expect(rows).not.toEqual([])
    }, 20_000)
    atMost = performance.now() - sent
    // Long enough that the storing, were it a part of the turn, would show.
    await vi.waitFor(() => expect(performance.now() - sent).toBeGreaterThan(2 * atMost + 100), 20_000)
  })
  script = short
  const [turn] = await turnsOf(app, device)
  expect(turn).toMatchObject({ outcome: 'aborted' })
  expect(Number(turn?.end_ms) - Number(turn?.abort_ms)).toBeLessThanOrEqual(atMost + 1)
  await device.close()
})
