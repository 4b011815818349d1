import { AsyncLocalStorage } from 'node:async_hooks'
import pino from 'pino'

/** Structured logging. Fields first, then the sentence: `log.info({ job }, 'finished')`. */
export type Log = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A log for a part of the system: its name becomes `logger` in every line. */
  child(name: string): Log
}

/** The log that all others are children of. */
export type RootLog = Log & { setLevel(level: LogLevel): void }

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** What every line written during a request or job carries by itself. */
export type LogContext = { request_id?: string; user_id?: string }

export const logContext = new AsyncLocalStorage<LogContext>()

/**
 * JSON lines with `timestamp, level, logger, message` (`logger` is `app` unless a child says otherwise), and `request_id, user_id` from the context. Whatever looks
 * like an e-mail address, a phone number or a credential is blanked in the finished line, so that a careless
 * caller, or the text of a foreign error, cannot leak one.
 */
export function createLog(level: LogLevel, write: (line: string) => void = toStandardOutput): RootLog {
  const root = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label.toUpperCase() }) },
      serializers: { error: serializeError },
      // A copy, since pino writes the line's own fields into it.
      mixin: () => ({ ...logContext.getStore() }),
    },
    { write: line => write(scrub(line)) },
  )
  const app = root.child({ logger: 'app' })
  const children: pino.Logger[] = [app]
  const wrap = (logger: pino.Logger): Log => ({
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child(name) {
      const child = root.child({ logger: name })
      children.push(child)
      return wrap(child)
    },
  })
  return {
    ...wrap(app),
    setLevel(next) {
      for (const logger of children) logger.level = next
    },
  }
}

const flushInterval_ms = 10
const flushLength = 16_384
let pending = ''

/** Lines of the same moment go out in one write: a system call for each would cost more than the request it tells of. */
function toStandardOutput(line: string): void {
  if (pending === '') setTimeout(flush, flushInterval_ms).unref()
  pending += line
  if (pending.length >= flushLength) flush()
}

function flush(): void {
  if (pending === '') return
  const lines = pending
  pending = ''
  process.stdout.write(lines)
}

process.on('exit', flush)

const secretLooking = [
  /[\w.%+-]+@[\w-]+(?:\.[\w-]+)+/g, // e-mail
  /(?<![\w.-])(?:\+?86[- ]?)?1[3-9]\d{9}(?![\w-])/g, // mainland China mobile
  /(?<![\w.:-])\+\d{8,15}(?![\w-])/g, // E.164
  /\b(?:bnt|sk|pk|ak|ghp|xox[abp])[-_][\w-]{12,}/g, // API keys and tokens
  /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, // JWT
  /\bBearer\s+[\w.~+/-]+=*/gi,
  /([?&](?:token|ticket|key|api_key|code|secret|password)=)[^&\s"]+/gi,
  /(:\/\/[^:/\s"]*:)[^@\s"]+(?=@)/g, // user:password@host
]

/** What every secret-looking text contains. One look spares most lines the eight patterns. */
const suspicious = /@|[?&]\w+=|:\/\/|eyJ|earer\s|(?:bnt|sk|pk|ak|ghp|xox[abp])[-_]|\d{8}/i

/** Blanks e-mail addresses, phone numbers, tokens and keys in a text. */
export function scrub(line: string): string {
  if (!suspicious.test(line)) return line
  let clean = line
  for (const pattern of secretLooking)
    clean = clean.replace(pattern, (_, kept) => `${typeof kept === 'string' ? kept : ''}[redacted]`)
  return clean
}

/** Database errors carry row values in `detail` and `where`; only what names the problem is kept. */
function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  return {
    type: error.name,
    message: error.message,
    code: 'code' in error ? error.code : undefined,
    stack: error.stack,
    cause: error.cause === undefined ? undefined : serializeError(error.cause),
  }
}

/** A log that writes nothing, for tests and tools. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
