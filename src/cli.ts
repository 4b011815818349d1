import { parseArgs } from 'node:util'
import { ConfigError } from '#core/config.ts'
import { StartError } from '#core/errors.ts'

const usage = `Banyan

  banyan serve [--modules chat,live] [--role web|worker]   the app and the API (the default)
  banyan migrate                                           brings the database schema up to date
  banyan doctor                                            checks settings, database, cache and providers
  banyan sign-in-link [user]                               a one-time sign-in link for an administrator
  banyan cards verify [--batch ID]                         checks that the usage log of cards is whole
  banyan device simulate [--server URL] [--name NAME] [--count N] [--text … | --wav in.wav] [--out out.wav]
                         [--token API_TOKEN]               devices that speak the real protocol
  banyan help
`

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      modules: { type: 'string' },
      role: { type: 'string' },
      batch: { type: 'string' },
      server: { type: 'string' },
      name: { type: 'string' },
      count: { type: 'string' },
      text: { type: 'string' },
      wav: { type: 'string' },
      out: { type: 'string' },
      token: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [command = 'serve', argument] = positionals
  if (values.help || command === 'help') return void process.stdout.write(usage)
  // Each command loads only what it needs.
  if (command === 'serve') return (await import('./commands/serve.ts')).serve(values)
  if (command === 'migrate') return (await import('./commands/migrate.ts')).migrateCommand()
  if (command === 'doctor') return (await import('./commands/doctor.ts')).doctor()
  if (command === 'device') return (await import('./commands/device.ts')).deviceCommand(argument, values)
  if (command === 'sign-in-link') return (await import('./commands/sign-in-link.ts')).signInLink(argument)
  if (command === 'cards' && argument === 'verify')
    return (await import('./commands/cards-verify.ts')).verifyCards(values.batch)
  throw new ConfigError(`There is no command “${command}”.\n\n${usage}`)
}

/** Errors with a message for people are shown as one; others with their stack. */
function explain(error: unknown): string {
  if (error instanceof StartError) return error.message
  if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
    return `${error.message}\n\n${usage}`
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    const { port } = error as Error & { port?: number }
    return `Port ${port} is taken by another program. Stop that program, or choose another port: PORT=8081 npm start`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
  // Whatever is still open (pools, watchdogs) must not keep a failed command alive.
  setTimeout(() => process.exit(1), 3000).unref()
}
