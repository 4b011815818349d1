import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '#core/clock.ts'
import { isId } from '#core/ids.ts'
import type { Keys } from '#core/security/key-file.ts'

/** Milliseconds for which the address of a file holds: longer than any song, short enough to be no public mirror. */
const lifetime = 24 * 3_600_000

export type MediaAddresses = ReturnType<typeof createMediaAddresses>

/** Addresses by which a device fetches a piece without signing in. */
export function createMediaAddresses({ clock, keys }: { clock: Clock; keys: Pick<Keys, 'hmac'> }) {
  const sign = (key: Buffer, text: string): string =>
    createHmac('sha256', key).update(`media file\0${text}`).digest('base64url').slice(0, 32)
  return {
    /** The token of a piece's address. */
    tokenOf(id: string): string {
      const [key] = keys.hmac
      if (!key) throw new Error('There is no key to sign addresses with')
      const text = `${id}.${Math.ceil((clock.now() + lifetime) / 1000).toString(36)}`
      return `${text}.${sign(key.key, text)}`
    },
    /** The piece that an address stands for, or null for a forged or old one. */
    idOf(token: string): string | null {
      const [id = '', expiry = '', signature = ''] = token.split('.')
      if (!isId(id) || !(Number.parseInt(expiry, 36) * 1000 > clock.now())) return null
      const given = Buffer.from(signature)
      const isSigned = keys.hmac.some(({ key }) => {
        const expected = Buffer.from(sign(key, `${id}.${expiry}`))
        return given.length === expected.length && timingSafeEqual(given, expected)
      })
      return isSigned ? id : null
    },
  }
}
