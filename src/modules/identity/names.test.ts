import fc from 'fast-check'
import { expect, test } from 'vitest'
import { networkOf, parseEmail, parsePhone, parseSignInName, parseUsername } from './names.ts'

test.each([
  ['Mei.Lan', 'mei.lan'],
  ['  王小明 ', '王小明'],
  ['ＡＢＣ１', 'abc1'],
  ['a_b-c', 'a_b-c'],
  ['Ünal', 'ünal'],
])('username %s', (typed, key) => {
  expect(parseUsername(typed).key).toBe(key)
})

test.each([
  'a',
  'x'.repeat(33),
  'has space',
  '13800138000',
  'me@here',
  'a/b',
  'аdmin-x',
  'zero\u200bwidth',
  '',
])('refused username %j', typed => {
  expect(() => parseUsername(typed)).toThrow(expect.objectContaining({ code: 'user.username_invalid' }))
})

test.each([
  ['Mei@Example.COM ', 'mei@example.com'],
  ['a+b@x.y.cn', 'a+b@x.y.cn'],
  ['me@例子.中国', 'me@xn--fsqu00a.xn--fiqs8s'],
  ['root@localhost', 'root@localhost'],
])('e-mail %s', (typed, email) => {
  expect(parseEmail(typed)).toBe(email)
})

test.each([
  '',
  'x',
  '@x.com',
  'a@',
  'a b@x.com',
  'a@x..com',
  'a@-x.com',
  'a@x.com\nBcc: b@x.com',
  '<a@x.com>',
])('refused e-mail %j', typed => {
  expect(() => parseEmail(typed)).toThrow(expect.objectContaining({ code: 'user.email_invalid' }))
})

test.each([
  ['138 0013 8000', '+8613800138000'],
  ['+86 138-0013-8000', '+8613800138000'],
  ['008613800138000', '+8613800138000'],
  ['+1 (415) 555-0100', '+14155550100'],
])('phone %s', (typed, phone) => {
  expect(parsePhone(typed)).toBe(phone)
})

test.each(['', '12345', '4155550100', '+8612345', '+0123456789', 'call me', '+1234567890123456'])(
  'refused phone %j',
  typed => {
    expect(() => parsePhone(typed)).toThrow(expect.objectContaining({ code: 'user.phone_invalid' }))
  },
)

test('a sign-in name means one kind of name only, in the spelling that is stored', () => {
  expect(parseSignInName('13800138000')).toEqual({ column: 'phone', value: '+8613800138000' })
  expect(parseSignInName('MEI@example.com')).toEqual({ column: 'email', value: 'mei@example.com' })
  expect(parseSignInName('MEI')).toEqual({ column: 'username_key', value: 'mei' })
  expect(parseSignInName('?!')).toBeNull()
})

test('what a name is turned into is turned into itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), typed => {
      for (const parse of [parseEmail, parsePhone, (text: string) => parseUsername(text).key]) {
        let once: string
        try {
          once = parse(typed)
        } catch {
          continue
        }
        expect(parse(once)).toBe(once)
      }
    }),
  )
})

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:db8:0:1::9', '2001:db8:0:1::/64'],
  ['::1', '0:0:0:0::/64'],
])('attempts from %s count for %s', (ip, network) => {
  expect(networkOf(ip)).toBe(network)
})
