import { inflateRawSync } from 'node:zlib'
import { expect } from 'vitest'

/** The files of an archive that is smaller than 4 GiB, by its directory. */
export function unzip(bytes: Buffer): Map<string, Buffer> {
  const end = bytes.length - 22
  expect(bytes.readUInt32LE(end)).toBe(0x06054b50)
  const isLarge = bytes.readUInt16LE(end + 10) === 0xffff
  const largeEnd = isLarge ? Number(bytes.readBigUInt64LE(end - 20 + 8)) : 0
  if (isLarge)
    expect([bytes.readUInt32LE(end - 20), bytes.readUInt32LE(largeEnd)]).toEqual([0x07064b50, 0x06064b50])
  const count = isLarge ? Number(bytes.readBigUInt64LE(largeEnd + 32)) : bytes.readUInt16LE(end + 10)
  let at = isLarge ? Number(bytes.readBigUInt64LE(largeEnd + 48)) : bytes.readUInt32LE(end + 16)
  const files = new Map<string, Buffer>()
  for (let file = 0; file < count; file++) {
    const name = bytes.toString('utf8', at + 46, at + 46 + bytes.readUInt16LE(at + 28))
    const start = bytes.readUInt32LE(at + 42) + 30 + bytes.readUInt16LE(at + 28)
    const packed = bytes.subarray(start, start + bytes.readUInt32LE(at + 20))
    const content = bytes.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed)
    if (content.length !== bytes.readUInt32LE(at + 24))
      throw new Error(`${name} has another length than it should`)
    files.set(name, content)
    at += 46 + bytes.readUInt16LE(at + 28)
  }
  return files
}
