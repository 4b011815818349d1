import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { newToken } from '#core/ids.ts'
import type { Cache, CachePolicy } from './cache.ts'

/** How long to wait for what must come by itself, on a machine that may be busy. */
const within = 20_000

/** What every kind of cache promises. `a` and `b` are two processes, or the same where there can be only one. */
export function cacheContract(
  name: string,
  open: () => Promise<{ a: Cache; b: Cache; close(): Promise<void> }>,
) {
  describe(name, () => {
    const policy: CachePolicy = { name: 'contract', ttl_ms: 60_000, negative_ttl_ms: 60_000 }
    let a: Cache
    let b: Cache
    let close: () => Promise<void>
    let key: string
    beforeEach(async () => {
      ;({ a, b, close } = await open())
      key = newToken(8)
    })
    afterEach(() => close())

    test('loads once, then answers from the cache, on both sides', async () => {
      const load = vi.fn(async () => ({ n: 1 }))
      expect(await a.get(policy, key, load)).toEqual({ n: 1 })
      expect(await a.get(policy, key, load)).toEqual({ n: 1 })
      expect(await b.get(policy, key, load)).toEqual({ n: 1 })
      expect(load).toHaveBeenCalledTimes(1)
    })

    test('one loader runs for many callers at once', async () => {
      const gate = Promise.withResolvers<string>()
      const load = vi.fn(() => gate.promise)
      const all = Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 ? a : b).get(policy, key, load)))
      await vi.waitFor(() => expect(load).toHaveBeenCalled(), within)
      gate.resolve('value')
      expect(new Set(await all)).toEqual(new Set(['value']))
      expect(load).toHaveBeenCalledTimes(1)
    })

    test('each caller has a copy of its own', async () => {
      const load = async () => ({ list: [1] })
      const mine = await a.get(policy, key, load)
      mine.list.push(2)
      expect(await a.get(policy, key, load)).toEqual({ list: [1] })
    })

    test('values pass through JSON, line breaks and Chinese included', async () => {
      const value = { text: 'a\nb\r\n中文 \u2028 😀 "', nested: [null, true, 0.1] }
      expect(await a.get(policy, key, async () => value)).toEqual(value)
      expect(await b.get(policy, key, async () => 'other')).toEqual(value)
      expect(await a.get(policy, `${key}-date`, async () => new Date(0) as unknown)).toBe(
        '1970-01-01T00:00:00.000Z',
      )
      expect(await a.get(policy, `${key}-undefined`, async () => undefined as unknown)).toBeNull()
    })

    test('null is kept for the negative time, or not at all', async () => {
      const load = vi.fn(async () => null)
      await a.get(policy, key, load)
      await b.get(policy, key, load)
      expect(load).toHaveBeenCalledTimes(1)
      const without = { name: 'contract_without', ttl_ms: 60_000 }
      await a.get(without, key, load)
      await a.get(without, key, load)
      expect(load).toHaveBeenCalledTimes(3)
    })

    test('entries of different policies do not meet', async () => {
      await a.get(policy, key, async () => 1)
      expect(await a.get({ ...policy, name: 'contract_other' }, key, async () => 2)).toBe(2)
    })

    test('an entry expires', async () => {
      const short = { name: 'contract_short', ttl_ms: 30 }
      let n = 0
      const load = async () => ++n
      expect(await a.get(short, key, load)).toBe(1)
      await vi.waitFor(async () => expect(await a.get(short, key, load)).toBeGreaterThan(1), within)
    })

    test('a failing loader fails all who wait, and the next caller tries again', async () => {
      const gate = Promise.withResolvers<string>()
      const load = vi.fn(() => gate.promise)
      const all = Promise.allSettled(Array.from({ length: 10 }, () => a.get(policy, key, load)))
      await vi.waitFor(() => expect(load).toHaveBeenCalled(), within)
      gate.reject(new Error('database is on fire'))
      for (const result of await all) {
        expect(result).toMatchObject({ status: 'rejected', reason: { message: 'database is on fire' } })
      }
      expect(await b.get(policy, key, async () => 'fine')).toBe('fine')
      expect(load).toHaveBeenCalledTimes(1)
    })

    test('delete and invalidate drop on both sides', async () => {
      const tags = [`${key}-x`, `${key}-y`]
      let n = 0
      const read = (cache: Cache) => cache.get(policy, key, async () => ++n, { tags })
      expect([await read(a), await read(b)]).toEqual([1, 1])
      await a.invalidate(`${key}-y`)
      expect(await read(a)).toBe(2)
      await vi.waitFor(async () => expect(await read(b)).toBe(2), within)
      await b.delete(policy, key)
      expect(await read(b)).toBe(3)
      await vi.waitFor(async () => expect(await read(a)).toBe(3), within)
      await a.invalidate(`${key}-other`)
      expect(await read(a)).toBe(3)
    })

    test('what is invalidated while it loads is not kept', async () => {
      const tags = [key]
      for (const drop of [() => b.invalidate(key), () => b.delete(policy, key)]) {
        const gate = Promise.withResolvers<string>()
        const started = Promise.withResolvers<void>()
        const loading = a.get(
          policy,
          key,
          () => {
            started.resolve()
            return gate.promise
          },
          { tags },
        )
        await started.promise
        await drop()
        gate.resolve('old')
        expect(await loading).toBe('old')
        for (const cache of [a, b])
          expect(await cache.get(policy, key, async () => 'new', { tags })).toBe('new')
        await a.invalidate(key)
        await vi.waitFor(async () => {
          for (const cache of [a, b])
            expect(await cache.get({ ...policy, name: 'probe' }, key, async () => 1)).toBe(1)
        }, within)
      }
    })

    test('who asks after an invalidation never gets a value from before it', async () => {
      let row = 0
      const tags = [key]
      const read = (cache: Cache) =>
        cache.get(
          policy,
          key,
          async () => {
            const value = row
            await new Promise(setImmediate)
            return value
          },
          { tags },
        )
      const readers = Array.from({ length: 4 }, async (_, i) => {
        while (row < 100) {
          await read(i % 2 ? a : b)
          await new Promise(setImmediate)
        }
      })
      for (let n = 1; n <= 100; n++) {
        row = n
        await a.invalidate(key)
        expect(await read(a)).toBe(n)
      }
      await Promise.all(readers)
      await vi.waitFor(async () => expect(await read(b)).toBe(100), within)
    })
  })
}
