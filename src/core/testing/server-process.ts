import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../main.js', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))

export type ServerProcess = {
  child: ChildProcess
  url: string
  /** Everything it wrote so far, both streams. */
  output(): string
  /** Resolves with the first match in its output; rejects when it exits before, or after two minutes. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>
  /** The exit code, or the signal that ended it. */
  exited: Promise<number | string>
  /** `kill -9`, and waits for the end. */
  kill(): Promise<void>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<number | string>
}

/** A real `banyan` process: for what only a process can show, such as crashes and signals. */
export function spawnServer(
  env: Record<string, string>,
  args: readonly string[] = ['serve'],
  [program, ...first]: readonly [string, ...string[]] = [process.execPath, main],
): ServerProcess {
  const child = spawn(program, [...first, ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, OLLAMA_URL: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const watcher of watchers) watcher()
    })
  }
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  const server: ServerProcess = {
    child,
    url: `http://127.0.0.1:${env.PORT ?? 8080}`,
    output: () => output,
    exited,
    waitFor: pattern =>
      new Promise((resolve, reject) => {
        const settle = (done: () => void) => {
          clearTimeout(timer)
          watchers.delete(look)
          done()
        }
        const look = () => {
          const match = pattern.exec(output)
          if (match) settle(() => resolve(match))
        }
        const fail = (why: string) =>
          settle(() => reject(new Error(`${why} before ${pattern}:\n${output.slice(-4000)}`)))
        const timer = setTimeout(() => fail('Two minutes went by'), 120_000)
        watchers.add(look)
        void exited.then(code => fail(`Exited with ${code}`))
        look()
      }),
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    stop() {
      child.kill('SIGTERM')
      return exited
    },
  }
  return server
}

/** Resolves when the server says that it is ready. */
export const untilReady = (server: ServerProcess): Promise<unknown> => server.waitFor(/Banyan is ready/)

/**
 * A TCP port that was free a moment ago. It lies below those that systems hand out by themselves, so that none of the
 * servers and connections of other tests takes it before it is used, or while its server is away.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
