import { domainToASCII } from 'node:url'
import { displayNameInvalid, emailInvalid, phoneInvalid, timeZoneUnknown, usernameInvalid } from './errors.ts'

/**
 * A username in its one spelling, and the key that makes it unique without regard to case. It cannot be mistaken for
 * an e-mail address or a phone number, so a sign-in name always means one thing.
 * @throws AppError `user.username_invalid`
 */
export function parseUsername(typed: string): { username: string; key: string } {
  const username = typed.normalize('NFKC').trim()
  const allowed = /^[\p{L}\p{M}\p{N}._-]{2,32}$/u.test(username) && /\p{L}/u.test(username)
  if (!allowed || mixesScripts(username)) throw usernameInvalid()
  return { username, key: username.toLowerCase() }
}

/** Latin beside Cyrillic or Greek is how somebody else's name is imitated. */
const mixesScripts = (name: string) =>
  [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u].filter(script => script.test(name))
    .length > 1

const reserved = new Set(
  `admin administrator root system support help security staff moderator official banyan deleted me null undefined
  管理员 系统 客服 官方`.split(/\s+/),
)

/** Names that would be taken for the operator's own; only administrators give them out. */
export const isReserved = (key: string): boolean => reserved.has(key)

/**
 * An e-mail address in lower case, its domain in ASCII.
 * @throws AppError `user.email_invalid`
 */
export function parseEmail(typed: string): string {
  const match = /^([^\s@<>(),;:\\"[\]]{1,64})@([^\s@]{1,253})$/u.exec(typed.normalize('NFKC').trim())
  const domain = match?.[2] ? domainToASCII(match[2]) : ''
  const isName = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(domain)
  if (!match?.[1] || !isName) throw emailInvalid()
  const email = `${match[1].toLowerCase()}@${domain}`
  if (email.length > 254) throw emailInvalid()
  return email
}

/**
 * A phone number in E.164. Eleven digits that begin with 1 are a mainland mobile, as people write it there.
 * @throws AppError `user.phone_invalid`
 */
export function parsePhone(typed: string): string {
  const digits = typed
    .normalize('NFKC')
    .replace(/[\s().-]/g, '')
    .replace(/^00/, '+')
  if (/^1[3-9]\d{9}$/.test(digits)) return `+86${digits}`
  if (/^861[3-9]\d{9}$/.test(digits)) return `+${digits}`
  if (/^\+86/.test(digits) ? /^\+861[3-9]\d{9}$/.test(digits) : /^\+[1-9]\d{7,14}$/.test(digits))
    return digits
  throw phoneInvalid()
}

/** What a name typed at sign-in can be, in its stored spelling. Null when it can be nobody's. */
export function parseSignInName(
  typed: string,
): { column: 'username_key' | 'email' | 'phone'; value: string } | null {
  const attempts = [
    () => ({ column: 'email' as const, value: parseEmail(typed) }),
    () => ({ column: 'phone' as const, value: parsePhone(typed) }),
    () => ({ column: 'username_key' as const, value: parseUsername(typed).key }),
  ]
  for (const attempt of attempts) {
    try {
      return attempt()
    } catch {
      // Not of this kind; the next one may fit.
    }
  }
  return null
}

/**
 * A display name on one line, without control characters or marks that reverse the text around it.
 * @throws AppError `user.display_name_invalid`
 */
export function parseDisplayName(typed: string): string {
  const name = typed
    .normalize('NFC')
    .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
  if (name === '') throw displayNameInvalid()
  return name
}

/** @throws AppError `user.time_zone_unknown` */
export function parseTimeZone(name: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    throw timeZoneUnknown()
  }
}

/** The address that counts attempts: for IPv6 the /64 network, since one household has that many addresses. */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)
  if (mapped?.[1]) return mapped[1]
  if (!ip.includes(':')) return ip
  const [head = '', tail] = ip.toLowerCase().split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const missing = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
