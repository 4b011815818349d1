import { crc32, deflateRawSync } from 'node:zlib'

/*
 * A ZIP archive (PKWARE APPNOTE 6.3.10) written while it is sent: one file after another, the directory at the end.
 * Zip64 where there are 65,535 files or 4 GiB and more of them; a single file is smaller.
 */

const localHeader = 0x04034b50
const directoryHeader = 0x02014b50
const directoryEnd = 0x06054b50
const largeDirectoryEnd = 0x06064b50
const largeDirectoryLocator = 0x07064b50
const [version, largeVersion] = [20, 45]
/** Names are UTF-8. */
const utf8 = 0x0800
const [stored, deflated] = [0, 8]
/** 1 January 1980, the least that the format can say. */
const noDate = 0x0021
/** In fields of 16 and 32 bits: the number is elsewhere, in 64 bits. */
const [elsewhere16, elsewhere32] = [0xffff, 0xffffffff]
const largeOffset = 0x0001

/** `isPacked`: it would not become smaller, and is stored as it is. */
export type ZipFile = { name: string; content: Buffer; isPacked?: boolean }

/** The bytes of an archive. Each file is held in memory on its own only. */
export async function* zip(files: AsyncIterable<ZipFile>): AsyncGenerator<Buffer> {
  let directory: Buffer[] = []
  let [offset, count] = [0, 0]
  for await (const { name, content, isPacked = false } of files) {
    const packed = isPacked ? content : deflateRawSync(content)
    const bytes = Buffer.from(name, 'utf8')
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(offset < elsewhere32 ? version : largeVersion, 0)
    facts.writeUInt16LE(utf8, 2)
    facts.writeUInt16LE(isPacked ? stored : deflated, 4)
    facts.writeUInt16LE(noDate, 8)
    facts.writeUInt32LE(crc32(content), 10)
    facts.writeUInt32LE(packed.length, 14)
    facts.writeUInt32LE(content.length, 18)
    facts.writeUInt16LE(bytes.length, 22)
    directory.push(entryOf(facts, bytes, offset))
    // Many small buffers take several times the memory of one.
    if (directory.length === 1000) directory = [Buffer.concat(directory)]
    count++
    yield Buffer.concat([uint32(localHeader), facts, bytes])
    yield packed
    offset += 4 + facts.length + bytes.length + packed.length
  }
  const entries = Buffer.concat(directory)
  yield entries
  yield endOf(count, entries.length, offset)
}

function entryOf(facts: Buffer, name: Buffer, offset: number): Buffer {
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(directoryHeader, 0)
  entry.writeUInt16LE(version, 4)
  facts.copy(entry, 6)
  entry.writeUInt32LE(Math.min(offset, elsewhere32), 42)
  if (offset < elsewhere32) return Buffer.concat([entry, name])
  const extra = Buffer.alloc(12)
  extra.writeUInt16LE(largeOffset, 0)
  extra.writeUInt16LE(8, 2)
  extra.writeBigUInt64LE(BigInt(offset), 4)
  entry.writeUInt16LE(extra.length, 30)
  return Buffer.concat([entry, name, extra])
}

function endOf(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(directoryEnd, 0)
  end.writeUInt16LE(Math.min(count, elsewhere16), 8)
  end.writeUInt16LE(Math.min(count, elsewhere16), 10)
  end.writeUInt32LE(Math.min(size, elsewhere32), 12)
  end.writeUInt32LE(Math.min(offset, elsewhere32), 16)
  if (count < elsewhere16 && offset < elsewhere32) return end
  const large = Buffer.alloc(56)
  large.writeUInt32LE(largeDirectoryEnd, 0)
  large.writeBigUInt64LE(BigInt(large.length - 12), 4)
  large.writeUInt16LE(largeVersion, 12)
  large.writeUInt16LE(largeVersion, 14)
  large.writeBigUInt64LE(BigInt(count), 24)
  large.writeBigUInt64LE(BigInt(count), 32)
  large.writeBigUInt64LE(BigInt(size), 40)
  large.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(largeDirectoryLocator, 0)
  locator.writeBigUInt64LE(BigInt(offset + size), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([large, locator, end])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
