import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { StartError } from '#core/errors.ts'
import { readWav, writeWav } from '#core/speech/wav.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { answerSteps, startFakeOpenai } from '#core/testing/fake-openai.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { voiceLike } from '#modules/devices/simulator/sound.ts'
import { signUp } from '#modules/identity/testing.ts'
import { deviceCommand } from './device.ts'

let app: TestApp
let upstream: FakeServer
let directory: string
const lines: string[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'banyan-simulator-'))
  upstream = await startFakeOpenai({ script: () => ({ steps: answerSteps('Hello from the model.') }) })
  app = await startTestApp({
    settings: {
      OPENAI_COMPATIBLE_URL: `${upstream.url}/v1`,
      AI_DEFAULT_MODEL: 'fake-1',
      OLLAMA_URL: 'off',
      SPEECH_RECOGNIZER: 'scripted',
      SPEECH_SYNTHESIZER: 'espeak',
      SPEECH_SCRIPT: 'Who are you?',
    },
  })
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    lines.push(String(text))
    return true
  })
})
afterAll(async () => {
  vi.restoreAllMocks()
  await app.stop()
  await upstream.stop()
  rmSync(directory, { recursive: true, force: true })
})

test('a simulated device is claimed, hears a WAV file, and writes what it was answered', async () => {
  const { access_token: token } = await signUp(app)
  const [wav, out] = [join(directory, 'in.wav'), join(directory, 'out.wav')]
  writeFileSync(wav, writeWav(voiceLike(900, 24_000), 24_000))
  await deviceCommand('simulate', { server: app.url, token, wav, out, name: 'one' })
  expect(lines.join('')).toMatch(/🎤 Who are you\?[\s\S]*🔊 Hello from the model\./)
  const answer = readWav(readFileSync(out))
  expect(answer.sample_rate).toBe(24_000)
  expect(answer.pcm.length).toBeGreaterThan(12_000)
  expect(answer.pcm.some(sample => Math.abs(sample) > 1000)).toBe(true)
  lines.length = 0
  // The same name is the same device, which has its owner by now.
  await deviceCommand('simulate', { server: app.url, text: 'Once more', name: 'one' })
  expect(lines.join('')).toContain('🎤 Once more')
})

test('a wake word is asked as a question too, and what is not taken is told at once', async () => {
  const { access_token: token } = await signUp(app)
  lines.length = 0
  await deviceCommand('simulate', { server: app.url, token, text: 'Jarvis!', name: 'two' })
  expect(lines.join('')).toMatch(/🎤 Jarvis![\s\S]*🔊 Hello from the model\./)
  const tooLong = deviceCommand('simulate', { server: app.url, text: 'a'.repeat(4001), name: 'two' })
  await expect(tooLong).rejects.toThrow('did not take the question')
  await expect(deviceCommand('simulate', { server: app.url, text: ' ' })).rejects.toThrow('--text')
})

test('a file in which nobody speaks is told as such', async () => {
  const { access_token: token } = await signUp(app)
  const wav = join(directory, 'silence.wav')
  writeFileSync(wav, writeWav(new Int16Array(24_000), 24_000))
  const asked = deviceCommand('simulate', { server: app.url, token, wav, name: 'three' })
  await expect(asked).rejects.toThrow(StartError)
  await expect(asked).rejects.toThrow(`No words were heard in ${wav}`)
})

test('what cannot be done is said in words', async () => {
  await expect(deviceCommand('dance', {})).rejects.toThrow('banyan device simulate')
  await expect(deviceCommand('simulate', { count: 'many' })).rejects.toThrow('--count')
  await expect(deviceCommand('simulate', { wav: join(directory, 'none.wav') })).rejects.toThrow(
    'cannot be read',
  )
  await expect(deviceCommand('simulate', { server: 'http://127.0.0.1:1' })).rejects.toThrow('cannot be used')
})
