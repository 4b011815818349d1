import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Pcm } from './types.ts'
import { pcmOf } from './wav.ts'

export type EspeakTask = { text: string; voice: string; speed: number }

/** One eSpeak NG, speaking one text at a time. */
export type EspeakProcess = {
  /** Sound at `espeakRate`, piece by piece. Rejects when the process dies, and is then of no more use. */
  speak(task: EspeakTask, onPcm: (pcm: Pcm) => void): Promise<void>
  stop(): void
}

/** What eSpeak NG speaks at, with all voices that are offered. */
export const espeakRate = 22_050

const childProgram = fileURLToPath(new URL('./espeak-child.ts', import.meta.url))
/** A single text is far shorter; a child that sends more is broken. */
const longestFrame = 10_000_000

/** The espeak-ng of the system, or null. */
export function systemEspeak(path: string): string | null {
  for (const directory of path.split(delimiter)) {
    const file = join(directory, 'espeak-ng')
    try {
      if (directory !== '') {
        accessSync(file, constants.X_OK)
        return file
      }
    } catch {
      // Not here.
    }
  }
  return null
}

/** Our own engine: a Node process that stays, since loading takes a fifth of a second. It sees no environment. */
export function startOwnEspeak(): EspeakProcess {
  const child = spawn(process.execPath, ['--max-old-space-size=128', childProgram], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
  })
  let current: { onPcm: (pcm: Pcm) => void; resolve: () => void; reject: (error: Error) => void } | null =
    null
  let pending: Buffer = Buffer.alloc(0)
  const died = diesOnce(child, error => {
    current?.reject(error)
    current = null
  })
  child.stdin.on('error', () => {})
  child.stdout.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= 5) {
      const length = pending.readUInt32LE(1)
      if (length > longestFrame) return child.kill('SIGKILL')
      if (pending.length < 5 + length) return
      const payload = pending.subarray(5, 5 + length)
      if (pending[0] === 1) current?.onPcm(pcmOf(payload))
      else {
        current?.resolve()
        current = null
      }
      pending = pending.subarray(5 + length)
    }
  })
  return {
    speak(task, onPcm) {
      if (died.error) return Promise.reject(died.error)
      return new Promise((resolve, reject) => {
        current = { onPcm, resolve, reject }
        child.stdin.write(`${JSON.stringify(task)}\n`)
      })
    },
    stop: () => child.kill('SIGKILL'),
  }
}

const wavHeaderLength = 44
const wordsPerMinute = 165

/** The engine of the system: a process for each text, which it starts in a few milliseconds. */
export function startSystemEspeak(program: string): EspeakProcess {
  let running: ChildProcess | null = null
  return {
    speak({ text, voice, speed }, onPcm) {
      const rate = String(Math.round(wordsPerMinute * speed))
      const child = spawn(program, ['-v', voice, '-s', rate, '--stdin', '--stdout'], {
        stdio: ['pipe', 'pipe', 'ignore'],
        env: {},
      })
      running = child
      child.stdin.on('error', () => {})
      child.stdin.end(text)
      let header = 0
      let odd: Buffer = Buffer.alloc(0)
      child.stdout.on('data', (chunk: Buffer) => {
        const skipped = Math.min(wavHeaderLength - header, chunk.length)
        header += skipped
        const bytes = Buffer.concat([odd, chunk.subarray(skipped)])
        odd = bytes.subarray(bytes.length - (bytes.length % 2))
        if (bytes.length > 1) onPcm(pcmOf(bytes))
      })
      return new Promise((resolve, reject) => {
        diesOnce(child, error => reject(error), resolve)
      })
    },
    stop: () => running?.kill('SIGKILL'),
  }
}

/** Tells once when a child is gone; `onDone` where it left in peace. */
function diesOnce(child: ChildProcess, onError: (error: Error) => void, onDone?: () => void) {
  const died: { error: Error | null } = { error: null }
  const tell = (error: Error) => {
    if (died.error) return
    died.error = error
    onError(error)
  }
  child.once('error', tell)
  // After `close` all of its output was read.
  child.once('close', (code, signal) => {
    if (code === 0 && onDone) onDone()
    else tell(new Error(`espeak-ng ended (${signal ?? code})`))
  })
  return died
}
