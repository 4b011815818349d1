import { createHmac, hash, hkdfSync, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { Clock } from '#core/clock.ts'

/** A key of the installation and the name by which tokens refer to it. The first signs; all verify. */
export type SigningKey = { id: string; key: Buffer }

export type AccessClaims = {
  user_id: string
  session_id: string /** milliseconds since 1970 */
  expires_at: number
}

export type Tokens = {
  /** A JWT (HS256) for one session. It says who, not what they may do: that is looked up, so that it changes at once. */
  signAccess(claims: { user_id: string; session_id: string }): Promise<{ token: string; expires_in: number }>
  /** The claims of a valid, unexpired access token, or null. */
  verifyAccess(token: string): Promise<AccessClaims | null>
  /**
   * The token that follows a refresh token. It depends on nothing but the old one and the key, so two refreshes that
   * race are given the same successor and the family stays a line.
   */
  successor(refreshToken: string): string
}

/** Seconds that an access token lives. */
export const accessTokenSeconds = 15 * 60
const issuer = 'banyan'

export function createTokens({ keys, clock }: { keys: readonly SigningKey[]; clock: Clock }): Tokens {
  const [first] = keys
  if (!first) throw new Error('createTokens needs at least one key')
  const accessKeys = new Map(keys.map(({ id, key }) => [id, derive(key, 'access token')]))
  const signingKey = derive(first.key, 'access token')
  const refreshKey = derive(first.key, 'refresh token')
  return {
    async signAccess({ user_id, session_id }) {
      const issuedAt = Math.floor(clock.now() / 1000)
      const token = await new SignJWT({ sid: session_id })
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: first.id })
        .setIssuer(issuer)
        .setSubject(user_id)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + accessTokenSeconds)
        .sign(signingKey)
      return { token, expires_in: accessTokenSeconds }
    },
    async verifyAccess(token) {
      try {
        const { payload } = await jwtVerify(
          token,
          ({ kid }) => {
            const key = kid === undefined ? undefined : accessKeys.get(kid)
            if (!key) throw new errors.JWSSignatureVerificationFailed()
            return key
          },
          { algorithms: ['HS256'], issuer, typ: 'at+jwt', currentDate: new Date(clock.now()) },
        )
        if (typeof payload.sub !== 'string' || typeof payload.sid !== 'string' || !payload.exp) return null
        return { user_id: payload.sub, session_id: payload.sid, expires_at: payload.exp * 1000 }
      } catch (error) {
        if (error instanceof errors.JOSEError) return null
        throw error
      }
    },
    successor: refreshToken => createHmac('sha256', refreshKey).update(refreshToken).digest('base64url'),
  }
}

/** A key of its own for every purpose (RFC 5869), so that no two uses of one master key can be played off. */
const derive = (key: Buffer, purpose: string) =>
  Buffer.from(hkdfSync('sha256', key, '', `banyan ${purpose}`, 32))

/** What is stored of an opaque token: SHA-256 is enough for 238 and more random bits. */
export const hashToken = (token: string): string => hash('sha256', token, 'base64url')

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const secretLength = 40
const checksumLength = 6

/** An API token: `bnt_`, 40 random characters, and a checksum by which secret scanners know a real one. */
export function newApiToken(): string {
  const body = Array.from({ length: secretLength }, () => digits[randomInt(digits.length)]).join('')
  return `bnt_${body}${checksum(body)}`
}

/** True for what has the form and checksum of an API token: the rest is refused without asking the database. */
export function isApiToken(text: string): boolean {
  const match = /^bnt_([0-9A-Za-z]{40})([0-9A-Za-z]{6})$/.exec(text)
  return match?.[1] !== undefined && checksum(match[1]) === match[2]
}

function checksum(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let place = 0; place < checksumLength; place++) {
    text = digits[rest % digits.length] + text
    rest = Math.floor(rest / digits.length)
  }
  return text
}
