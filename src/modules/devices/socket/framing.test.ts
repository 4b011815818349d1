import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeFrame, encodeFrame } from './framing.ts'

const versions = fc.constantFrom(1 as const, 2 as const, 3 as const)
const packets = fc.uint8Array({ minLength: 1, maxLength: 3000 })

test('what is framed is read back, in every version', () => {
  fc.assert(
    fc.property(versions, packets, fc.nat(), (version, packet, timestamp) => {
      const frame = decodeFrame(version, Buffer.from(encodeFrame(version, packet, timestamp)))
      expect(frame?.is_json).toBe(false)
      expect(Buffer.from(frame?.payload ?? []).equals(packet)).toBe(true)
      expect(frame?.timestamp).toBe(version === 2 ? timestamp : 0)
    }),
  )
})

test('a header is never short, and says the true size', () => {
  fc.assert(
    fc.property(packets, packet => {
      const second = Buffer.from(encodeFrame(2, packet, 7))
      expect([second.length, second.readUInt16BE(0), second.readUInt32BE(12)]).toEqual([
        packet.length + 16,
        2,
        packet.length,
      ])
      const third = Buffer.from(encodeFrame(3, packet, 7))
      expect([third.length, third.readUInt16BE(2)]).toEqual([packet.length + 4, packet.length])
    }),
  )
  expect(() => encodeFrame(1, new Uint8Array(0), 0)).toThrow(RangeError)
  expect(() => encodeFrame(3, new Uint8Array(70_000), 0)).toThrow(RangeError)
})

test('any bytes are a frame or none, never an exception, and the payload is what the header says', () => {
  fc.assert(
    fc.property(versions, fc.uint8Array({ maxLength: 64 }), (version, bytes) => {
      const frame = decodeFrame(version, Buffer.from(bytes))
      if (frame) expect(frame.payload.length).toBeGreaterThan(0)
    }),
    { numRuns: 500 },
  )
})

test('a frame that was cut or grew on the way is none', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(2 as const, 3 as const),
      packets,
      fc.integer({ min: 1, max: 20 }),
      (version, packet, by) => {
        const message = Buffer.from(encodeFrame(version, packet, 0))
        expect(decodeFrame(version, message.subarray(0, Math.max(0, message.length - by)))).toBeNull()
        expect(decodeFrame(version, Buffer.concat([message, Buffer.alloc(by)]))).toBeNull()
      },
    ),
  )
})

test('the bytes are those of the protocol', () => {
  expect(Buffer.from(encodeFrame(2, Uint8Array.of(0xaa, 0xbb), 0x01020304)).toString('hex')).toBe(
    '0002000000000000' + '0102030400000002' + 'aabb',
  )
  expect(Buffer.from(encodeFrame(3, Uint8Array.of(0xaa), 5)).toString('hex')).toBe('00000001aa')
  expect(decodeFrame(2, Buffer.from('000200010000000000000000000000027b7d', 'hex'))).toMatchObject({
    is_json: true,
  })
  for (const version of [1, 2, 3] as const) expect(decodeFrame(version, Buffer.alloc(0))).toBeNull()
})
