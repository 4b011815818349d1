import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { StartError } from './errors.ts'

/** One setting: how its text is read, what it is for, and whether `SIGHUP` re-reads it. */
export type Setting<T = unknown> = {
  schema: z.ZodType<T, string | undefined>
  /** One or two sentences; they stand above the setting in `.env.example`. */
  doc: string
  /** What `.env.example` shows as the value. */
  example: string
  reloadable: boolean
  /** Never printed, not even when wrong. */
  secret: boolean
}

/** The settings of the core or of one module, by the name of the environment variable. */
export type SettingsSpec = Record<string, Setting>

export type Settings<S extends SettingsSpec> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never
}

type Options = { reloadable?: boolean; secret?: boolean; example?: string }

const setting = <T>(
  schema: z.ZodType<T, string | undefined>,
  doc: string,
  fallback: string,
  options: Options,
): Setting<T> => ({
  schema,
  doc,
  example: options.example ?? fallback,
  reloadable: options.reloadable ?? false,
  secret: options.secret ?? false,
})

const given = z.string().optional()

/** A text setting; `''` when unset and no default is given. */
export const text = (doc: string, fallback = '', options: Options = {}) =>
  setting<string>(
    given.transform(value => value ?? fallback),
    doc,
    fallback,
    options,
  )

/** A secret text setting: never printed. */
export const secret = (doc: string, options: Options = {}) => text(doc, '', { ...options, secret: true })

/** A whole number between `min` and `max`. */
export const integer = (
  doc: string,
  fallback: number,
  { min = 0, max = Number.MAX_SAFE_INTEGER, ...options }: Options & { min?: number; max?: number } = {},
) =>
  setting<number>(
    given.transform((value, context) => {
      const number = Number(value ?? fallback)
      if (Number.isInteger(number) && number >= min && number <= max) return number
      context.addIssue({ code: 'custom', message: `must be a whole number from ${min} to ${max}` })
      return z.NEVER
    }),
    doc,
    String(fallback),
    options,
  )

/** `true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off`. */
export const flag = (doc: string, fallback: boolean, options: Options = {}) =>
  setting<boolean>(
    given.transform((value, context) => {
      if (value === undefined) return fallback
      if (/^(true|1|yes|on)$/i.test(value)) return true
      if (/^(false|0|no|off)$/i.test(value)) return false
      context.addIssue({ code: 'custom', message: 'must be true or false' })
      return z.NEVER
    }),
    doc,
    String(fallback),
    options,
  )

/** One of a few words. */
export const choice = <const T extends string>(
  doc: string,
  values: readonly T[],
  fallback: T,
  options: Options = {},
) =>
  setting<T>(
    given.transform((value, context) => {
      const found = values.find(candidate => candidate === (value ?? fallback))
      if (found !== undefined) return found
      context.addIssue({ code: 'custom', message: `must be one of: ${values.join(', ')}` })
      return z.NEVER
    }),
    doc,
    fallback,
    options,
  )

/** Comma-separated words; spaces around them do not matter. */
export const list = (doc: string, fallback = '', options: Options = {}) =>
  setting<readonly string[]>(
    given.transform(value =>
      (value ?? fallback)
        .split(',')
        .map(item => item.trim())
        .filter(item => item !== ''),
    ),
    doc,
    fallback,
    options,
  )

/** An absolute URL of one of the given schemes, or `''` when unset. */
export const url = (doc: string, schemes: readonly string[], options: Options = {}) =>
  setting<string>(
    given.transform((value, context) => {
      if (value === undefined) return ''
      const scheme = URL.canParse(value) ? new URL(value).protocol.slice(0, -1) : ''
      if (schemes.includes(scheme)) return value
      context.addIssue({
        code: 'custom',
        message: `must be a URL that starts with ${schemes.join(':// or ')}://`,
      })
      return z.NEVER
    }),
    doc,
    '',
    options,
  )

/** Wrong settings, all of them at once. The message names each and never shows a value. */
export class ConfigError extends StartError {
  override name = 'ConfigError'
}

/** What the settings say now. Reloadable keys change in place on `reload()`; the object stays the same. */
export type Config<S extends SettingsSpec> = {
  values: Settings<S>
  /**
   * Reads the sources again and takes over the reloadable settings. Returns the names that changed.
   * Throws ConfigError, and changes nothing, when one is wrong.
   */
  reload(): string[]
}

/**
 * Reads settings: defaults < `.env` < environment. An empty value counts as unset.
 * @throws {ConfigError} that lists every wrong setting by name.
 */
export function loadConfig<S extends SettingsSpec>(
  spec: S,
  source: { env: NodeJS.ProcessEnv; envFile?: string },
): Config<S> {
  const values = parse(spec, source) as Record<string, unknown>
  return {
    values: values as Settings<S>,
    reload() {
      const fresh = parse(spec, source) as Record<string, unknown>
      const changed = Object.keys(spec).filter(
        name => spec[name]?.reloadable && JSON.stringify(values[name]) !== JSON.stringify(fresh[name]),
      )
      for (const name of changed) values[name] = fresh[name]
      return changed
    },
  }
}

function parse<S extends SettingsSpec>(
  spec: S,
  { env, envFile }: { env: NodeJS.ProcessEnv; envFile?: string },
) {
  const file = envFile ? readEnvFile(envFile) : {}
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, { schema }] of Object.entries(spec)) {
    const raw = env[name] || file[name] || undefined
    const result = schema.safeParse(raw)
    if (result.success) values[name] = result.data
    else problems.push(`  ${name} ${result.error.issues.map(issue => issue.message).join('; ')}`)
  }
  if (problems.length > 0) throw new ConfigError(`These settings are wrong:\n${problems.join('\n')}`)
  return values
}

function readEnvFile(path: string): Record<string, string | undefined> {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
  const entries: Record<string, string> = {}
  for (const line of content.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line)
    if (!match?.[1] || match[2] === undefined) continue
    const quoted = /^(['"])(.*)\1(?:\s+#.*)?$/.exec(match[2])
    entries[match[1]] = quoted?.[2] ?? match[2].replace(/(^|\s+)#.*$/, '')
  }
  return entries
}

/** The text of `.env.example`: every setting, commented out, under its doc. */
export function envExample(groups: readonly { title: string; spec: SettingsSpec }[]): string {
  const lines: string[] = [
    '# Every setting of Banyan. Nothing needs to be set to try it.',
    '# Order of precedence: environment, then this file as .env, then the default shown.',
  ]
  for (const { title, spec } of groups) {
    lines.push('', `# --- ${title} ---`)
    for (const [name, { doc, example, reloadable }] of Object.entries(spec)) {
      lines.push('', ...doc.split('\n').map(line => `# ${line}`))
      if (reloadable) lines.push('# (re-read on SIGHUP)')
      lines.push(`#${name}=${example}`)
    }
  }
  return `${lines.join('\n')}\n`
}
