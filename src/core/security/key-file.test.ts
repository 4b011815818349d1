import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigError } from '#core/config.ts'
import { openKeys } from './key-file.ts'
import { createSecrets } from './secrets.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'banyan-keys-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const fromFile = (dataDir = home) => openKeys({ settings: { SECRET_KEY: '', DATABASE_URL: '' }, dataDir })
const fromSetting = (SECRET_KEY: string) =>
  openKeys({ settings: { SECRET_KEY, DATABASE_URL: 'postgres://db/banyan' }, dataDir: join(home, 'never') })

test('the first start makes a key file that only we can read, later ones read it', () => {
  const keys = fromFile(join(home, 'data'))
  expect(readdirSync(join(home, 'data'))).toEqual(['keys'])
  expect(statSync(join(home, 'data', 'keys')).mode & 0o777).toBe(0o600)
  expect(fromFile(join(home, 'data'))).toEqual(keys)
})

test('a key file that was opened to others is closed again', () => {
  fromFile()
  chmodSync(join(home, 'keys'), 0o644)
  fromFile()
  expect(statSync(join(home, 'keys')).mode & 0o777).toBe(0o600)
})

test('every purpose has a key of its own and every secret an id of its own', () => {
  const secret = fc.string({ minLength: 32, unit: fc.constantFrom(...'abcdefXYZ0189_-+/=') })
  fc.assert(
    fc.property(fc.uniqueArray(secret, { minLength: 1, maxLength: 4 }), texts => {
      const keys = fromSetting(texts.join(' , '))
      const all = [...keys.signing, ...keys.encryption, ...keys.hmac]
      expect(all.every(({ key }) => key.length === 32)).toBe(true)
      expect(new Set(all.map(({ key }) => key.toString('hex'))).size).toBe(3 * texts.length)
      expect(new Set(all.map(({ id }) => id)).size).toBe(texts.length)
      expect(fromSetting(texts.join(','))).toEqual(keys)
    }),
    { numRuns: 30 },
  )
})

test('a new secret put first encrypts, and the old one still decrypts', () => {
  const before = createSecrets(fromFile().encryption).encrypt('sk-1', 'row')
  const path = join(home, 'keys')
  writeFileSync(path, `${randomBytes(48).toString('base64url')}\n${readFileSync(path, 'utf8')}`)
  const after = createSecrets(fromFile().encryption)
  expect(after.decrypt(before, 'row')).toBe('sk-1')
  expect(after.needsRotation(before)).toBe(true)
})

test('with an external database SECRET_KEY is required and must be long', () => {
  expect(() => fromSetting('')).toThrow(ConfigError)
  expect(() => fromSetting('short')).toThrow(/32 characters/)
  expect(() => fromSetting(`${'a'.repeat(32)},short`)).toThrow(ConfigError)
  expect(() => fromSetting('short')).not.toThrow(/short/)
})

test('SECRET_KEY goes before the file', () => {
  const file = fromFile()
  const keys = openKeys({ settings: { SECRET_KEY: 'k'.repeat(32), DATABASE_URL: '' }, dataDir: home })
  expect(keys.signing).not.toEqual(file.signing)
})
