import { expect, test } from 'vitest'
import { codeInScan, grouped, stateOf } from './code.ts'

// Made by the server's `codeOf` from a secret of 32 bytes of 7, numbers 1 to 4.
const codes = ['1YSM-A8WR-6HY0-1BTZ', 'TA9E-95SW-03P8-6FMH', '4PBQ-8W6N-DQ62-Z2NE', 'H0PX-SR60-24XW-51C9']

test('codes of the server fit, however they are typed', () => {
  for (const code of codes) {
    for (const form of [code, code.toLowerCase(), code.replaceAll('-', ' '), code.replaceAll('0', 'o')])
      expect([form, stateOf(form)]).toEqual([form, { kind: 'fits' }])
    expect(grouped(code.toLowerCase().replaceAll('-', ''))).toBe(code)
  }
})

test('each other character in a place is caught', () => {
  const [code = ''] = codes
  const letters = code.replaceAll('-', '')
  for (let at = 0; at < letters.length; at++)
    for (const other of '0123456789ABCDEFGHJKMNPQRSTVWXYZ')
      if (other !== letters[at])
        expect(stateOf(letters.slice(0, at) + other + letters.slice(at + 1))).toEqual({ kind: 'check' })
})

test('it says what is wrong', () => {
  const [code = ''] = codes
  expect(stateOf(' - ')).toEqual({ kind: 'empty' })
  expect(stateOf('7K3')).toEqual({ kind: 'short', count: 13 })
  expect(stateOf(`${code}00`)).toEqual({ kind: 'long', count: 2 })
  expect(stateOf('7K3U')).toEqual({ kind: 'character', letter: 'U' })
})

test('a scan is the address of the redeem page, or a code', () => {
  const [code = ''] = codes
  expect(codeInScan(`https://toys.example.com/redeem?code=${code}`)).toBe(code)
  expect(codeInScan(code)).toBe(code)
  expect(codeInScan('https://example.com/')).toBeNull()
  expect(codeInScan('WIFI:S:home;;')).toBeNull()
})
