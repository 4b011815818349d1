import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSecrets } from './secrets.ts'

const oldKey = { id: 'old', key: randomBytes(32) }
const newKey = { id: 'new', key: randomBytes(32) }
const secrets = createSecrets([newKey, oldKey])
const unreadable = expect.objectContaining({ code: 'secret.unreadable' })

test('any text comes back under its context', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, context) => {
      expect(secrets.decrypt(secrets.encrypt(text, context), context)).toBe(text)
    }),
  )
})

test('the same text never looks the same twice', () => {
  expect(secrets.encrypt('sk-secret', 'a')).not.toBe(secrets.encrypt('sk-secret', 'a'))
})

test('a ciphertext does not decrypt in another row or column', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (text, context, other) => {
      fc.pre(context !== other)
      expect(() => secrets.decrypt(secrets.encrypt(text, context), other)).toThrow(unreadable)
    }),
  )
})

test('no changed byte goes unnoticed', () => {
  const [version, id, body = ''] = secrets.encrypt('the secret', 'row 1').split('.')
  const sealed = Buffer.from(body, 'base64url')
  for (let position = 0; position < sealed.length; position++) {
    const changed = Buffer.from(sealed)
    changed.writeUInt8(changed.readUInt8(position) ^ 1, position)
    const text = `${version}.${id}.${changed.toString('base64url')}`
    expect(() => secrets.decrypt(text, 'row 1')).toThrow(unreadable)
  }
})

test('whatever is not a ciphertext is refused with the same error', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map(rest => `v1.new.${rest}`),
      ),
      text => {
        expect(() => secrets.decrypt(text, 'row 1')).toThrow(unreadable)
      },
    ),
  )
})

test('after a rotation old texts decrypt, ask to be encrypted anew, and die with their key', () => {
  const before = createSecrets([oldKey]).encrypt('the secret', 'row 1')
  expect(secrets.decrypt(before, 'row 1')).toBe('the secret')
  expect(secrets.needsRotation(before)).toBe(true)
  expect(secrets.needsRotation(secrets.encrypt('the secret', 'row 1'))).toBe(false)
  expect(() => createSecrets([newKey]).decrypt(before, 'row 1')).toThrow(unreadable)
})

test('a ciphertext that claims another key is refused', () => {
  const sealed = secrets.encrypt('the secret', 'row 1').replace('v1.new.', 'v1.old.')
  expect(() => secrets.decrypt(sealed, 'row 1')).toThrow(unreadable)
})
