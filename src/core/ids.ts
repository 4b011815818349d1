import { randomBytes, randomInt, randomUUIDv7 } from 'node:crypto'

const counterMax = 0xfff
let lastTime = 0
let counter = 0

/**
 * A time-ordered UUIDv7, the primary key of every table. Ids of one process ascend, also within a millisecond: a
 * counter stands where the format has 12 random bits (RFC 9562, 6.2, method 1), so lists sorted by id keep the order
 * in which their items were made.
 */
export function newId(): string {
  const now = Date.now()
  if (now > lastTime) {
    lastTime = now
    counter = randomInt(counterMax >> 1)
  } else if (++counter > counterMax) {
    lastTime++
    counter = 0
  }
  const time = lastTime.toString(16).padStart(12, '0')
  const random = randomUUIDv7().slice(19)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${random}`
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const isId = (value: string): boolean => uuid.test(value)

/** An unguessable URL-safe token of `bytes` random bytes (default 32: 256 bits). */
export const newToken = (bytes = 32): string => randomBytes(bytes).toString('base64url')
