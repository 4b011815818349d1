import { join } from 'node:path'
import { loadModules } from '#catalog'
import { type App, startApp } from '#core/app.ts'
import { ConfigError } from '#core/config.ts'
import { createLog } from '#core/log.ts'
import { identityKey } from '#modules/identity/contract.ts'
import { buildWebIfChanged } from '../web-build.ts'
import { root, version } from './project.ts'

type SignInLink = { sign_in_link_token: string } | null

/** `banyan serve`: builds the web app if its sources changed, starts everything, and runs until a signal ends it. */
export async function serve(options: {
  modules?: string | undefined
  role?: string | undefined
}): Promise<void> {
  const modules = await loadModules()
  const open = options.modules?.split(',').map(name => name.trim())
  const unknown = open?.filter(name => !modules.some(module => module.name === name))
  if (unknown?.length) throw new ConfigError(`There is no module “${unknown.join('”, “')}”.`)
  const role = options.role
  if (role !== undefined && role !== 'web' && role !== 'worker')
    throw new ConfigError('--role is web or worker.')

  const stop = onceStopped()
  if (role !== 'worker') await buildWebIfChanged(root, createLog('info').child('web'))
  let firstSignIn: SignInLink = null
  const app = await startApp({
    modules,
    env: process.env,
    envFile: join(root, '.env'),
    root,
    version,
    open,
    role,
    async prepare(use) {
      firstSignIn = await use(identityKey).bootstrap()
    },
  })
  process.on('SIGHUP', () => reload(app))
  announce(app, firstSignIn)
  await stop
  await app.stop()
  // Pools and timers are closed; a library's forgotten handle must not keep a stopped server alive.
  process.exit(0)
}

/** Settles at the first SIGTERM or SIGINT, or when the npm that started us is gone; a second signal ends the process at once. */
function onceStopped(): Promise<void> {
  return new Promise(resolve => {
    let asked = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1)
        asked = true
        resolve()
      })
    }
    // npm passes a signal on to the shell between us, which dies of it and tells nobody.
    if (process.env.npm_lifecycle_event === undefined) return
    const parent = process.ppid
    setInterval(() => process.ppid !== parent && resolve(), 500).unref()
  })
}

function reload(app: App) {
  const log = app.core.log.child('config')
  try {
    log.info({ changed: app.reload() }, 'settings read again')
  } catch (error) {
    log.error({ reason: error instanceof Error ? error.message : String(error) }, 'settings not taken over')
  }
}

/** For the person at the terminal, beside the log: where to go, and how to get in the first time. */
function announce(app: App, bootstrap: SignInLink) {
  const lines = ['', `  Banyan is ready: ${app.url}`]
  if (bootstrap) {
    lines.push(
      '',
      '  Sign in as the administrator with this link (once, within 24 hours):',
      `  ${app.url}/sign-in/link#token=${bootstrap.sign_in_link_token}`,
    )
  }
  process.stderr.write(`${lines.join('\n')}\n\n`)
}
