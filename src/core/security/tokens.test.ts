import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTokens, hashToken, isApiToken, newApiToken } from '#core/security/tokens.ts'

const start = Date.UTC(2026, 10, 21)
const oldKey = { id: 'old', key: randomBytes(32) }
const newKey = { id: 'new', key: randomBytes(32) }
const claims = { user_id: '0198-user', session_id: '0198-session' }
const at = (milliseconds: number) => ({ now: () => milliseconds })

test('an access token says who until it expires', async () => {
  const tokens = createTokens({ keys: [newKey], clock: at(start) })
  const { token, expires_in } = await tokens.signAccess(claims)
  expect(expires_in).toBe(900)
  expect(await tokens.verifyAccess(token)).toEqual({ ...claims, expires_at: start + 900_000 })
  const later = createTokens({ keys: [newKey], clock: at(start + 900_000) })
  expect(await later.verifyAccess(token)).toBeNull()
})

test('after a rotation the old key still verifies, and once removed it does not', async () => {
  const { token } = await createTokens({ keys: [oldKey], clock: at(start) }).signAccess(claims)
  const both = createTokens({ keys: [newKey, oldKey], clock: at(start) })
  expect(await both.verifyAccess(token)).not.toBeNull()
  expect(await createTokens({ keys: [newKey], clock: at(start) }).verifyAccess(token)).toBeNull()
  const header = JSON.parse(
    Buffer.from((await both.signAccess(claims)).token.split('.')[0] ?? '', 'base64url').toString(),
  )
  expect(header.kid).toBe('new')
})

test('forged tokens are refused: no algorithm, the master key itself, another type, any changed byte', async () => {
  const tokens = createTokens({ keys: [newKey], clock: at(start) })
  const { token } = await tokens.signAccess(claims)
  const [, payload = ''] = token.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const none = `${encode({ alg: 'none', typ: 'at+jwt', kid: 'new' })}.${payload}.`
  const head = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: 'new' })}.${payload}`
  const withMaster = `${head}.${createHmac('sha256', newKey.key).update(head).digest('base64url')}`
  for (const forged of [none, withMaster, '', 'a.b.c', 'x'.repeat(5000)])
    expect(await tokens.verifyAccess(forged)).toBeNull()
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 1), async index => {
      const swapped = token[index] === 'A' ? 'Q' : 'A'
      const changed = token.slice(0, index) + swapped + token.slice(index + 1)
      // The last character of a part carries spare bits, so another spelling of the same bytes may pass.
      const sameBytes = (part: number) =>
        Buffer.from(changed.split('.')[part] ?? '', 'base64url').equals(
          Buffer.from(token.split('.')[part] ?? '', 'base64url'),
        )
      if (!(sameBytes(0) && sameBytes(1) && sameBytes(2)))
        expect(await tokens.verifyAccess(changed)).toBeNull()
    }),
  )
})

test('the successor of a refresh token is one and the same, and unlike any other', () => {
  const tokens = createTokens({ keys: [newKey], clock: at(start) })
  expect(tokens.successor('a')).toBe(tokens.successor('a'))
  expect(tokens.successor('a')).not.toBe(tokens.successor('b'))
  expect(createTokens({ keys: [oldKey], clock: at(start) }).successor('a')).not.toBe(tokens.successor('a'))
})

test('an API token knows itself by its checksum', () => {
  const token = newApiToken()
  expect(token).toMatch(/^bnt_[0-9A-Za-z]{46}$/)
  expect(isApiToken(token)).toBe(true)
  expect(hashToken(token)).toMatch(/^[\w-]{43}$/)
  fc.assert(
    fc.property(fc.integer({ min: 4, max: token.length - 1 }), index => {
      const swapped = token[index] === '0' ? '1' : '0'
      expect(isApiToken(token.slice(0, index) + swapped + token.slice(index + 1))).toBe(false)
    }),
  )
})
