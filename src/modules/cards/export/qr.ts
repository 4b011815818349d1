import { crc32, deflateSync } from 'node:zlib'
import { encodeQR } from 'qr'

/** Light modules that a reader needs around a code (ISO/IEC 18004, 6.3.8). */
export const quietZone = 4

/** The dark modules of a QR code, row by row, without its quiet zone. Error correction M: 15 %. */
export const qrMatrix = (text: string): boolean[][] =>
  // The library insists on a border of one module at least.
  encodeQR(text, 'raw', { ecc: 'medium', border: 1 })
    .slice(1, -1)
    .map(row => row.slice(1, -1))

/** Dark modules beside each other, as one bar of height 1: `x`, `y` and length. */
export function* bars(
  matrix: readonly (readonly boolean[])[],
): Generator<[x: number, y: number, length: number]> {
  for (const [y, row] of matrix.entries())
    for (let x = 0; x < row.length; ) {
      let end = x
      while (row[end]) end++
      if (end > x) yield [x, y, end - x]
      x = end + 1
    }
}

/** A QR code with its quiet zone as a PNG of one bit a pixel; `scale` pixels a module. */
export function qrPng(text: string, scale: number): Buffer {
  const matrix = qrMatrix(text)
  const side = (matrix.length + 2 * quietZone) * scale
  const stride = 1 + Math.ceil(side / 8)
  // Each line begins with its filter, 0 for none; a set bit is white.
  const line = Buffer.alloc(stride, 0xff).fill(0, 0, 1)
  const lines: Buffer[] = Array(quietZone * scale).fill(line)
  for (const row of matrix) {
    const dark = Buffer.from(line)
    for (const [column, isDark] of row.entries())
      for (let at = (column + quietZone) * scale; isDark && at < (column + quietZone + 1) * scale; at++)
        dark[1 + (at >> 3)] = (dark[1 + (at >> 3)] ?? 0) & ~(0x80 >> (at & 7))
    for (let repeat = 0; repeat < scale; repeat++) lines.push(dark)
  }
  for (let below = 0; below < quietZone * scale; below++) lines.push(line)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  // One bit a pixel, grey, deflate, no filters but the basic ones, not interlaced.
  header.set([1, 0, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.concat(lines))),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

/** PNG (third edition), 5.3: length, type, data, CRC of type and data. */
function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const chunk = Buffer.alloc(body.length + 8)
  chunk.writeUInt32BE(data.length, 0)
  body.copy(chunk, 4)
  chunk.writeUInt32BE(crc32(body), body.length + 4)
  return chunk
}
