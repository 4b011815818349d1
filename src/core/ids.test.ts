import { expect, test } from 'vitest'
import { isId, newId, newToken } from './ids.ts'

test('ids are UUIDv7, distinct, and ascend in the order in which they were made', () => {
  const ids = Array.from({ length: 20_000 }, newId)
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(ids.length)
  expect([...ids].sort()).toEqual(ids)
  expect(ids.every(isId)).toBe(true)
})

test('an id tells when it was made', () => {
  const before = Date.now()
  const time = Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16)
  // Ids made in a rush borrow from the next milliseconds.
  expect(time).toBeGreaterThanOrEqual(before)
  expect(time).toBeLessThan(before + 60_000)
})

test('tokens are URL-safe and as long as asked', () => {
  expect(newToken()).toMatch(/^[\w-]{43}$/)
  expect(newToken(16)).toMatch(/^[\w-]{22}$/)
})
