import { availableParallelism } from 'node:os'
import * as argon2 from '@node-rs/argon2'
import * as bcrypt from '@node-rs/bcrypt'
import { defineError } from '#core/errors.ts'
import { isCommonPassword } from '#core/security/common-passwords.ts'

export type Passwords = {
  /** argon2id in PHC form. @throws `auth.busy` when too many wait already. */
  hash(password: string): Promise<string>
  /**
   * Whether the password belongs to the stored hash (argon2 or bcrypt). `null`, for an account that does not exist
   * or has no password, takes as long as a wrong password does. `rehash` says that the stored hash is of an older
   * kind and should be replaced now that the password is known.
   * @throws `auth.busy` when too many wait already.
   */
  verify(password: string, stored: string | null): Promise<{ ok: boolean; rehash: boolean }>
}

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

export const busy = defineError({
  code: 'auth.busy',
  status: 503,
  en: 'Too many people are signing in right now. Try again in a few seconds.',
  'zh-CN': '当前登录的人太多，请几秒后重试。',
})

/**
 * Hashing happens on libuv's threads. At most `concurrency` run at once (each takes 19 MiB, and the file system
 * needs threads too), at most `queue` wait; the next one is refused, so a flood of sign-ins costs bounded memory.
 */
export function createPasswords({
  concurrency = Math.min(3, Math.max(1, availableParallelism())),
  queue = 256,
}: {
  concurrency?: number
  queue?: number
} = {}): Passwords {
  const limit = createLimit(concurrency, queue)
  let dummy: Promise<string> | undefined
  const hash = (password: string) => limit(() => argon2.hash(prepare(password), cost))
  return {
    hash,
    async verify(password, stored) {
      if (stored === null) {
        dummy ??= argon2.hash('no account has this one', cost)
        const decoy = await dummy
        await limit(() => argon2.verify(decoy, prepare(password)))
        return { ok: false, rehash: false }
      }
      if (/^\$2[abxy]\$/.test(stored)) {
        const ok = await limit(() => bcrypt.verify(password, stored))
        return { ok, rehash: ok }
      }
      const ok = await limit(() => argon2.verify(stored, prepare(password)))
      return { ok, rehash: ok && isOutdated(stored) }
    },
  }
}

/** One spelling for what looks the same, so that a password typed on another keyboard still fits. */
const prepare = (password: string) => password.normalize('NFKC')

function isOutdated(stored: string): boolean {
  const used = argon2.parseOptions(stored)
  return (
    !stored.startsWith('$argon2id$') ||
    used.memoryCost !== cost.memoryCost ||
    used.timeCost !== cost.timeCost ||
    used.parallelism !== cost.parallelism
  )
}

function createLimit(concurrency: number, queue: number) {
  let running = 0
  const waiting: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= concurrency) {
      if (waiting.length >= queue) throw busy({}, { retryAfter: 5 })
      // The one who finishes hands over its place, so `running` is not touched in between.
      await new Promise<void>(resolve => waiting.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

export type PasswordProblem = 'too_short' | 'too_long' | 'letters_and_digits' | 'common' | 'like_name'

/** In characters; the upper one keeps hashing cheap to refuse. */
export const passwordLength = { min: 8, max: 128 }

/**
 * What is wrong with a new password, or null: 8 to 128 characters, a letter and a digit among them, not a common
 * one, and not the person's own name or address (or nearly so).
 */
export function passwordProblem(
  password: string,
  names: readonly (string | null | undefined)[] = [],
): PasswordProblem | null {
  const length = [...password].length
  if (length < passwordLength.min) return 'too_short'
  if (length > passwordLength.max) return 'too_long'
  if (!/\p{L}/u.test(password) || !/\p{Nd}/u.test(password)) return 'letters_and_digits'
  if (isCommonPassword(password)) return 'common'
  return names.some(name => name && isLike(password, name)) ? 'like_name' : null
}

/** Equal, reversed, or the name with fewer than four characters more: `alice123` for alice, but not `alice7!kettle`. */
function isLike(password: string, name: string): boolean {
  const folded = fold(password)
  return [name, name.split('@')[0] ?? ''].some(part => {
    const own = fold(part)
    if (own.length < 3) return false
    return [own, [...own].reverse().join('')].some(
      candidate => folded.includes(candidate) && folded.length - candidate.length < 4,
    )
  })
}

const fold = (text: string) =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
