import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { silentLog } from '#core/log.ts'
import { createEspeak } from './espeak.ts'
import { createEspeakPool } from './espeak-pool.ts'
import { type EspeakProcess, startOwnEspeak } from './espeak-process.ts'
import { joinPcm } from './resample.ts'
import { loudnessOf } from './testing.ts'
import type { Pcm, SynthesisOptions, Synthesizer } from './types.ts'
import { wavHeader } from './wav.ts'

const stops: (() => void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) stop()
  // Some count them.
  await vi.waitFor(() => expect(engines()).toEqual([]), 20_000)
})

function open({ path = '', voice = '' } = {}): Synthesizer {
  const { synthesizer, stop } = createEspeak({ voice, path, log: silentLog })
  stops.push(stop)
  return synthesizer
}

const never = new AbortController().signal

async function speak(synthesizer: Synthesizer, texts: string[], options: Partial<SynthesisOptions> = {}) {
  const synthesis = synthesizer.open({ sample_rate: 16_000, signal: never, ...options })
  for (const text of texts) synthesis.write(text)
  synthesis.end()
  const parts: { pcm: Pcm; index: number }[] = []
  for await (const part of synthesis.audio) parts.push(part)
  return { parts, pcm: joinPcm(parts.map(({ pcm }) => pcm)) }
}

/** Ids of the engine processes that this test process started. */
function engines(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const parent = Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1])
        return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('espeak-child')
      } catch {
        return false
      }
    })
}

test('Mandarin, Cantonese and English are spoken, in order, at the rate that is wanted', async () => {
  const synthesizer = open()
  expect(synthesizer).toMatchObject({ name: 'espeak', is_preview: true })
  const { parts, pcm } = await speak(synthesizer, ['你好，我是小榕。', 'Hello there!', '🙂', '再见。'])
  expect(parts.map(({ index }) => index)).toEqual(parts.map(({ index }) => index).sort())
  expect(new Set(parts.map(({ index }) => index))).toEqual(new Set([0, 1, 3]))
  expect(pcm.length / 16_000).toBeGreaterThan(2)
  expect(pcm.length / 16_000).toBeLessThan(8)
  expect(loudnessOf(pcm)).toBeGreaterThan(500)
  const cantonese = await speak(synthesizer, ['你好'], { voice: 'yue', sample_rate: 24_000 })
  expect(cantonese.pcm.length).toBeGreaterThan(5000)
  const fast = await speak(synthesizer, ['今天天气很好'], { speed: 2 })
  const slow = await speak(synthesizer, ['今天天气很好'], { speed: 0.5 })
  expect(slow.pcm.length).toBeGreaterThan(fast.pcm.length * 2)
  // One process did it all.
  expect(engines()).toHaveLength(1)
})

test('the first sound of a long text comes before the last of it is spoken', async () => {
  const synthesis = open().open({ sample_rate: 16_000, signal: never })
  synthesis.write('这是一个很长的故事。'.repeat(30))
  for await (const { pcm } of synthesis.audio) {
    expect(pcm.length).toBeGreaterThan(0)
    break
  }
})

test('a voice that does not exist is told; a voice of another engine in the settings is not used', async () => {
  const missing = speak(open(), ['你好'], { voice: 'longxiaochun' })
  await expect(missing).rejects.toMatchObject({ code: 'speech.voice_not_found' })
  expect((await speak(open({ voice: 'longxiaochun' }), ['你好'])).pcm.length).toBeGreaterThan(2000)
})

test('what looks like a command is only text', async () => {
  const { pcm } = await speak(open(), ['<voice name="x"> [[h@l\'oU]] </speak> -w /tmp/x "quote"\n$(id) 好'])
  expect(pcm.length).toBeGreaterThan(5000)
})

test('kill -9 in the middle: another process goes on, and nothing is lost or said twice', async () => {
  const synthesizer = open()
  const text = '这是一个很长很长的句子，它要说上好几秒钟，中间有人把引擎杀掉了'
  const whole = (await speak(synthesizer, [text])).pcm
  const synthesis = synthesizer.open({ sample_rate: 16_000, signal: never })
  synthesis.write(text)
  synthesis.write('下一句。')
  synthesis.end()
  const heard: Pcm[] = []
  let killed = 0
  let indexes = new Set<number>()
  for await (const { pcm, index } of synthesis.audio) {
    if (killed === 0) {
      const [pid] = engines()
      killed = pid ?? 0
      if (pid) process.kill(pid, 'SIGKILL')
    }
    if (index === 0) heard.push(pcm)
    indexes = indexes.add(index)
  }
  expect(killed).toBeGreaterThan(0)
  // The engine's own runs differ by a few samples.
  expect(Math.abs(joinPcm(heard).length - whole.length)).toBeLessThan(400)
  expect(indexes).toEqual(new Set([0, 1]))
  expect(engines()).not.toContain(killed)
})

test('kill -9 of all engines while nobody speaks is not noticed', async () => {
  const synthesizer = open()
  await Promise.all([speak(synthesizer, ['一']), speak(synthesizer, ['二'])])
  const waiting = engines()
  expect(waiting).toHaveLength(2)
  for (const pid of waiting) process.kill(pid, 'SIGKILL')
  expect((await speak(synthesizer, ['三'])).pcm.length).toBeGreaterThan(1000)
})

test('an engine that always dies is an error for its text, and not for ever', async () => {
  let dies = true
  let started = 0
  const start = (): EspeakProcess => {
    started++
    const own = startOwnEspeak()
    if (dies) own.stop()
    return own
  }
  const pool = createEspeakPool({ start, log: silentLog })
  stops.push(pool.stop)
  const task = { text: '你好', voice: 'cmn', speed: 1 }
  await expect(pool.speak(task, () => {}, never)).rejects.toMatchObject({ code: 'speech.engine_failed' })
  expect(started).toBe(2)
  dies = false
  let samples = 0
  await pool.speak(task, pcm => (samples += pcm.length), never)
  expect(samples).toBeGreaterThan(1000)
})

test('the queue is bounded, what was aborted is not spoken, and two processes at most share the work', async () => {
  const pool = createEspeakPool({ start: startOwnEspeak, log: silentLog })
  stops.push(pool.stop)
  const abort = new AbortController()
  // So long that the engines are still at the first of them when the rest is aborted.
  const task = { text: '这是一个很长的故事。'.repeat(6), voice: 'cmn', speed: 1 }
  const all = Array.from({ length: 260 }, () => pool.speak(task, () => {}, abort.signal))
  const ended = Promise.allSettled(all)
  await vi.waitFor(() => expect(engines()).toHaveLength(2), 20_000)
  abort.abort()
  const reasons = (await ended).filter(result => result.status === 'rejected').map(({ reason }) => reason)
  expect(reasons.filter(({ code }) => code === 'speech.busy')).toHaveLength(58)
  expect(reasons.filter(({ name }) => name === 'AbortError').length).toBeGreaterThan(150)
  expect(engines()).toHaveLength(2)
  pool.stop()
  await vi.waitFor(() => expect(engines()).toHaveLength(0), 20_000)
})

test('abort ends the reading at once with its reason', async () => {
  const abort = new AbortController()
  const synthesis = open().open({ sample_rate: 16_000, signal: abort.signal })
  synthesis.write('这是一个很长的故事。'.repeat(100))
  const read = async () => {
    for await (const _ of synthesis.audio) abort.abort()
  }
  await expect(read()).rejects.toMatchObject({ name: 'AbortError' })
})

test('engines leave with the server that started them', async () => {
  const program = `
    import { startOwnEspeak } from ${JSON.stringify(join(import.meta.dirname, 'espeak-process.ts'))}
    const engine = startOwnEspeak()
    await engine.speak({ text: '你好', voice: 'cmn', speed: 1 }, () => {})
    process.kill(process.pid, 'SIGKILL')`
  expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', program])).toThrow()
  await vi.waitFor(() => {
    const orphans = readdirSync('/proc').filter(name => {
      try {
        return (
          readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(join(import.meta.dirname, 'espeak-child')) &&
          /PPid:\s1\n/.test(readFileSync(`/proc/${name}/status`, 'utf8'))
        )
      } catch {
        return false
      }
    })
    expect(orphans).toEqual([])
  }, 20_000)
})

const directory = mkdtempSync(join(tmpdir(), 'banyan-espeak-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('an espeak-ng of the system is preferred', async () => {
  // Speaks the real one's command line, and as many samples as the text has bytes times a thousand.
  const header = Buffer.from(wavHeader(22_050)).toString('base64')
  writeFileSync(
    join(directory, 'espeak-ng'),
    `#!${process.execPath}
let text = ''
process.stdin.on('data', data => (text += data)).on('end', () => {
  if (process.argv.slice(2).join(' ') !== '-v cmn -s 165 --stdin --stdout' || process.env.PATH) process.exit(1)
  const sound = Buffer.alloc(Buffer.byteLength(text) * 2000, 7)
  process.stdout.write(Buffer.concat([Buffer.from('${header}', 'base64').subarray(0, 7)]))
  setTimeout(() => process.stdout.write(Buffer.concat([Buffer.from('${header}', 'base64').subarray(7), sound.subarray(0, 333)])), 5)
  setTimeout(() => process.stdout.end(sound.subarray(333)), 10)
})`,
  )
  chmodSync(join(directory, 'espeak-ng'), 0o755)
  const { pcm } = await speak(open({ path: `/nowhere:${directory}` }), ['你好'], { sample_rate: 22_050 })
  expect(pcm).toHaveLength(6000)
  expect(engines()).toHaveLength(0)
})
