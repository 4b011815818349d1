import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#core/log.ts'

const sources = ['src', 'public', 'index.html', 'package.json', 'tsconfig.json', 'vite.config.ts']

/**
 * Builds the web app when its sources differ from those of the last build. An old build that works is kept in use
 * when the new one fails; without any, the API still starts.
 */
export async function buildWebIfChanged(root: string, log: Log): Promise<void> {
  const web = join(root, 'web')
  const stamp = join(web, 'dist', '.sources')
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  if (!existsSync(join(web, 'src')) || !existsSync(vite)) return
  const hash = await hashOf(web)
  const built = await readFile(stamp, 'utf8').catch(() => '')
  if (built === hash) return
  log.info({}, 'building the web app; this takes some seconds and happens once per change')
  const started = performance.now()
  const output = await run(process.execPath, [vite, 'build', '--logLevel', 'warn'], web)
  if (output.code !== 0) {
    log.error(
      { output: output.text.slice(-4000) },
      'the web app could not be built; the API starts without the change',
    )
    return
  }
  await mkdir(join(web, 'dist'), { recursive: true })
  await writeFile(stamp, hash)
  log.info({ duration: Math.round(performance.now() - started) / 1000 }, 'web app built')
}

async function hashOf(web: string): Promise<string> {
  const hash = createHash('sha256')
  for (const source of sources) await addToHash(join(web, source), source, hash)
  return hash.digest('hex')
}

async function addToHash(path: string, name: string, hash: ReturnType<typeof createHash>): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => null)
  if (!entries) {
    const content = await readFile(path).catch(() => null)
    if (content) hash.update(`${name}\0${content.length}\0`).update(content)
    return
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    await addToHash(join(path, entry.name), `${name}/${entry.name}`, hash)
  }
}

function run(command: string, args: string[], cwd: string): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    let text = ''
    const collect = (chunk: Buffer) => {
      text = (text + chunk).slice(-20_000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', reject)
    child.on('close', code => resolve({ code, text }))
  })
}
