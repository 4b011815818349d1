import { randomBytes } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import type { ByteRange, Storage } from './storage.ts'

/** What every storage driver must do. `open` gives a store that may hold foreign files, but none of our keys. */
export function storageContract(driver: string, open: () => Promise<Storage> | Storage): void {
  const newKey = () => `contract/${newId()}`
  const text = { media_type: 'text/plain; charset=utf-8' }
  const read = async (storage: Storage, key: string, range?: ByteRange) => {
    const stored = await storage.get(key, range)
    return stored && { bytes: await buffer(stored.stream), size: stored.size, media_type: stored.media_type }
  }
  const code = (name: string) => expect.objectContaining({ code: name })

  describe(`storage: ${driver}`, () => {
    test('gives back what was put, from a buffer and from a stream', async () => {
      const storage = await open()
      const bytes = randomBytes(300_000)
      for (const content of [bytes, Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)])]) {
        const key = newKey()
        expect(await storage.put(key, content, { media_type: 'image/png' })).toEqual({ size: 300_000 })
        expect(await read(storage, key)).toEqual({ bytes, size: 300_000, media_type: 'image/png' })
      }
    })

    test('an empty file is a file', async () => {
      const storage = await open()
      const key = newKey()
      await storage.put(key, Buffer.alloc(0), text)
      expect(await read(storage, key)).toEqual({ bytes: Buffer.alloc(0), size: 0, ...text })
    })

    test('there is nothing under a key until something is put, and nothing after delete', async () => {
      const storage = await open()
      const key = newKey()
      expect(await storage.get(key)).toBeNull()
      await storage.delete(key)
      await storage.put(key, Buffer.from('x'), text)
      await storage.delete(key)
      expect(await storage.get(key)).toBeNull()
    })

    test('a second put replaces the first, and a reader of the first still gets all of it', async () => {
      const storage = await open()
      const key = newKey()
      const first = randomBytes(500_000)
      await storage.put(key, first, text)
      const reader = await storage.get(key)
      await storage.put(key, Buffer.from('second'), { media_type: 'text/markdown' })
      expect(reader && (await buffer(reader.stream)).equals(first)).toBe(true)
      expect(await read(storage, key)).toEqual({
        bytes: Buffer.from('second'),
        size: 6,
        media_type: 'text/markdown',
      })
    })

    test('any range inside the file is served, any other refused', async () => {
      const storage = await open()
      const key = newKey()
      const bytes = randomBytes(1000)
      await storage.put(key, bytes, text)
      await fc.assert(
        fc.asyncProperty(fc.nat(1100), fc.option(fc.nat(1100), { nil: undefined }), async (start, end) => {
          const range = end === undefined ? { start } : { start, end }
          if (start >= 1000 || (end !== undefined && end < start)) {
            await expect(storage.get(key, range)).rejects.toThrow(code('storage.range_invalid'))
          } else {
            const part = bytes.subarray(start, end === undefined ? undefined : end + 1)
            expect(await read(storage, key, range)).toEqual({ bytes: part, size: 1000, ...text })
          }
        }),
        { numRuns: 50 },
      )
    })

    test('a file over the cap is refused and the older one stays', async () => {
      const storage = await open()
      const key = newKey()
      await storage.put(key, Buffer.from('older'), { ...text, max_bytes: 5 })
      const endless = Readable.from(
        (function* () {
          while (true) yield Buffer.alloc(10_000)
        })(),
      )
      await expect(storage.put(key, endless, { ...text, max_bytes: 50_000 })).rejects.toThrow(
        code('storage.too_large'),
      )
      expect(endless.destroyed).toBe(true)
      expect((await read(storage, key))?.bytes.toString()).toBe('older')
    })

    test('a stream that breaks, or a caller that gives up, leaves nothing', async () => {
      const storage = await open()
      const key = newKey()
      const broken = new PassThrough()
      const putting = storage.put(key, broken, text)
      broken.write('half of it')
      broken.destroy(new Error('the upload broke'))
      await expect(putting).rejects.toThrow('the upload broke')

      const controller = new AbortController()
      const slow = new PassThrough()
      const given = storage.put(key, slow, { ...text, signal: controller.signal })
      slow.write('half of it')
      controller.abort(new Error('enough'))
      await expect(given).rejects.toThrow('enough')
      expect(slow.destroyed).toBe(true)
      expect(await storage.get(key)).toBeNull()
    })

    test('of many puts under one key at once, one whole file remains', async () => {
      const storage = await open()
      const key = newKey()
      const contents = Array.from({ length: 8 }, (_, index) => Buffer.alloc(200_000, index))
      await Promise.all(contents.map(content => storage.put(key, content, text)))
      const left = await read(storage, key)
      expect(contents.some(content => left?.bytes.equals(content))).toBe(true)
    })

    test('a key may be the beginning of another', async () => {
      const storage = await open()
      const key = newKey()
      await storage.put(`${key}/inner`, Buffer.from('inner'), text)
      await storage.put(key, Buffer.from('outer'), text)
      await storage.delete(key)
      expect(await storage.get(key)).toBeNull()
      expect((await read(storage, `${key}/inner`))?.bytes.toString()).toBe('inner')
    })

    test('keys that could lead elsewhere are refused by every method', async () => {
      const storage = await open()
      const bad = [
        '',
        '/',
        '/etc/passwd',
        '../x',
        'a/../b',
        'a//b',
        'a/',
        '.hidden',
        'a/.b',
        'a\\b',
        'a\0b',
        'a b',
      ]
      for (const key of [...bad, 'ä', 'a~', 'C:x', 'a'.repeat(600), `${'a'.repeat(201)}`]) {
        await expect(storage.put(key, Buffer.from('x'), text)).rejects.toThrow(code('storage.key_invalid'))
        await expect(storage.get(key)).rejects.toThrow(code('storage.key_invalid'))
        await expect(storage.delete(key)).rejects.toThrow(code('storage.key_invalid'))
      }
    })
  })
}
