import * as bcrypt from '@node-rs/bcrypt'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isCommonPassword } from '#core/security/common-passwords.ts'
import { createPasswords, passwordProblem } from '#core/security/passwords.ts'

const passwords = createPasswords()

test('a hash is argon2id at 19 MiB and two passes, salted, and fits only its password', async () => {
  const stored = await passwords.hash('kettle-7-lantern')
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await passwords.hash('kettle-7-lantern')).not.toBe(stored)
  expect(await passwords.verify('kettle-7-lantern', stored)).toEqual({ ok: true, rehash: false })
  expect(await passwords.verify('kettle-7-lanterN', stored)).toEqual({ ok: false, rehash: false })
})

test('a bcrypt hash is accepted and asks to be replaced; a wrong password does not', async () => {
  const stored = await bcrypt.hash('kettle-7-lantern', 4)
  expect(await passwords.verify('kettle-7-lantern', stored)).toEqual({ ok: true, rehash: true })
  expect(await passwords.verify('other-7-lantern', stored)).toEqual({ ok: false, rehash: false })
})

test('no stored hash means no, whatever the password', async () => {
  expect(await passwords.verify('no account has this one', null)).toEqual({ ok: false, rehash: false })
})

test('full-width and half-width typing of one password is the same password', async () => {
  const stored = await passwords.hash('ｋettle７lantern')
  expect((await passwords.verify('kettle7lantern', stored)).ok).toBe(true)
})

test('a flood beyond the queue is refused, the rest are served', async () => {
  const small = createPasswords({ concurrency: 1, queue: 2 })
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => small.hash('kettle-7-lantern')))
  expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(3)
  expect(results.filter(result => result.status === 'rejected').map(result => result.reason.code)).toEqual(
    Array(3).fill('auth.busy'),
  )
  await expect(small.hash('kettle-7-lantern')).resolves.toMatch(/^\$argon2id/)
})

test.each([
  ['a1b2c3', 'too_short'],
  [`a1${'x'.repeat(127)}`, 'too_long'],
  ['onlyletters', 'letters_and_digits'],
  ['1029384756', 'letters_and_digits'],
  ['Password1', 'common'],
  ['P@ssw0rd123', 'common'],
  ['Admin@2024', 'common'],
  ['woaini520', 'common'],
  ['qwer1234', 'common'],
  ['1Q2w3e4r', 'common'],
  ['abc12345', 'common'],
  ['a1a1a1a1', 'common'],
  ['iloveyou1314', 'common'],
  ['Wang19900101', 'common'],
  ['test123test123', 'common'],
  ['meilanzi1', 'like_name'],
  ['1iznaliem', 'like_name'],
  ['lan.mei77', 'like_name'],
  ['meilanzi7kettle', null],
  ['kettle-7-lantern', null],
  ['海棠花开第7春天啊', null],
  ['correct horse 9 battery', null],
])('%s: %s', (password, problem) => {
  expect(passwordProblem(password, ['Meilanzi', 'lan.mei@example.com', null])).toBe(problem)
})

test('case, outer punctuation and repetition never make a common password good', () => {
  const common = fc.constantFrom('password1', 'admin123', 'woaini1314', '1qaz2wsx', 'qwerty2023')
  const sign = fc.constantFrom('', '!', '.', '#', '__')
  fc.assert(
    fc.property(common, sign, sign, fc.boolean(), (word, before, after, upper) => {
      expect(isCommonPassword(before + (upper ? word.toUpperCase() : word) + after)).toBe(true)
    }),
  )
})

test('random passwords are not called common', () => {
  fc.assert(
    fc.property(fc.uuid(), text => {
      expect(isCommonPassword(text)).toBe(false)
    }),
  )
})
