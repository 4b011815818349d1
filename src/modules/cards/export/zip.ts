import { crc32, deflateRawSync } from 'node:zlib'

/*
 * A ZIP archive (PKWARE APPNOTE 6.3.10) written while it is sent: one file after another, the directory at the end.
 * Without Zip64, so for fewer than 65,535 files and 4 GiB.
 */

const localHeader = 0x04034b50
const directoryHeader = 0x02014b50
const directoryEnd = 0x06054b50
const version = 20
/** Names are UTF-8. */
const utf8 = 0x0800
const deflated = 8
/** 1 January 1980, the least that the format can say. */
const noDate = 0x0021

/** The bytes of an archive. Each file is held in memory on its own only. */
export async function* zip(files: AsyncIterable<{ name: string; content: Buffer }>): AsyncGenerator<Buffer> {
  const directory: Buffer[] = []
  let offset = 0
  for await (const { name, content } of files) {
    const packed = deflateRawSync(content)
    const bytes = Buffer.from(name, 'utf8')
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(version, 0)
    facts.writeUInt16LE(utf8, 2)
    facts.writeUInt16LE(deflated, 4)
    facts.writeUInt16LE(noDate, 8)
    facts.writeUInt32LE(crc32(content), 10)
    facts.writeUInt32LE(packed.length, 14)
    facts.writeUInt32LE(content.length, 18)
    facts.writeUInt16LE(bytes.length, 22)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(directoryHeader, 0)
    entry.writeUInt16LE(version, 4)
    facts.copy(entry, 6)
    entry.writeUInt32LE(offset, 42)
    directory.push(entry, bytes)
    const local = Buffer.concat([uint32(localHeader), facts, bytes, packed])
    offset += local.length
    yield local
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(directoryEnd, 0)
  end.writeUInt16LE(directory.length / 2, 8)
  end.writeUInt16LE(directory.length / 2, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  yield Buffer.concat([entries, end])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
