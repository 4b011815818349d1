import { expect, test } from 'vitest'
import { createFormat } from './format-values.ts'

const zh = createFormat('zh-CN', 'Asia/Shanghai')
const en = createFormat('en', 'UTC')

test('large counts are shortened in the language’s own steps', () => {
  expect(zh.compact(9_999)).toBe('9,999')
  expect(zh.compact(12_345)).toBe('1.2万')
  expect(zh.compact(123_456_789)).toBe('1.2亿')
  expect(en.compact(123_456_789)).toBe('123.5M')
})

test('money keeps the digits that are not nothing', () => {
  expect(zh.money(1_500_000)).toBe('¥1.50')
  expect(zh.money(1_234)).toBe('¥0.0012')
  expect(zh.money(0)).toBe('¥0.00')
  expect(en.money(2_000_000, 'USD')).toBe('$2.00')
})

test('times are told in the person’s zone', () => {
  expect(zh.date('2026-11-20T17:00:00.000Z')).toBe('2026年11月21日')
  expect(en.date('2026-11-20T17:00:00.000Z')).toBe('Nov 20, 2026')
})

test('recent times are relative, older ones a date', () => {
  const now = Date.parse('2026-11-21T08:00:00Z')
  expect(zh.relative('2026-11-21T07:57:00Z', now)).toBe('3分钟前')
  expect(zh.relative('2026-11-21T07:59:40Z', now)).toBe('现在')
  expect(en.relative('2026-11-21T10:00:00Z', now)).toBe('in 2 hours')
  expect(en.relative('2026-01-01T10:00:00Z', now)).toBe('Jan 1, 2026')
})

test('sizes and durations take the unit that fits', () => {
  expect(en.bytes(0)).toBe('0 bytes')
  expect(en.bytes(1536)).toBe('1.5 kB')
  expect(en.duration(950)).toBe('950 ms')
  expect(en.duration(1500)).toBe('1.5 sec')
})
