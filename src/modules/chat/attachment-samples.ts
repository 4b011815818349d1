import { deflateSync } from 'node:zlib'

/*
 * Real files for the tests, made here instead of kept as binaries: small pictures, and PDFs from one page of text to
 * what an attacker would send.
 */

/** One transparent pixel. */
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** A GIF that is also a script, for whoever would run it as one. */
export const scriptGif = Buffer.concat([
  Buffer.from('GIF89a/*'),
  Buffer.from(
    '\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;*/=1;alert(document.cookie)//<script>alert(1)</script>',
    'latin1',
  ),
])

/** A PDF of pages with the same content, which is packed. `trailer` is added to its trailer. */
export function pdf(
  content: Buffer,
  { trailer = '', pages = 1 }: { trailer?: string; pages?: number } = {},
): Buffer {
  const packed = deflateSync(content, { level: 9 })
  const objects: Buffer[] = [
    Buffer.from('<< /Type /Catalog /Pages 2 0 R >>'),
    Buffer.from(`<< /Type /Pages /Kids [${'3 0 R '.repeat(pages)}] /Count ${pages} >>`),
    Buffer.from(
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    ),
    Buffer.concat([
      Buffer.from(`<< /Length ${packed.length} /Filter /FlateDecode >>\nstream\n`),
      packed,
      Buffer.from('\nendstream'),
    ]),
    Buffer.from('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'),
  ]
  const parts = [Buffer.from('%PDF-1.4\n')]
  const offsets: number[] = []
  let size = 9
  for (const [index, object] of objects.entries()) {
    offsets.push(size)
    const part = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')])
    parts.push(part)
    size += part.length
  }
  const table = offsets.map(offset => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  parts.push(
    Buffer.from(
      `xref\n0 6\n0000000000 65535 f \n${table}trailer\n<< /Size 6 /Root 1 0 R ${trailer} >>\nstartxref\n${size}\n%%EOF\n`,
    ),
  )
  return Buffer.concat(parts)
}

export const textPdf = (text: string): Buffer => pdf(Buffer.from(`BT /F1 24 Tf 10 100 Td (${text}) Tj ET`))

/** A thousandth of what it unpacks to; that begins with a word. */
export const bombPdf = (megabytes: number): Buffer =>
  pdf(Buffer.concat([Buffer.from('BT /F1 24 Tf (x) Tj ET '), Buffer.alloc(megabytes * 1024 * 1024, 32)]))

/** Says that it is protected by a password, which nobody has. */
export const lockedPdf = (): Buffer =>
  pdf(Buffer.from('BT ET'), {
    trailer: `/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]
      /Encrypt << /Filter /Standard /V 1 /R 2 /P -44 /O <${'ab'.repeat(32)}> /U <${'cd'.repeat(32)}> >>`,
  })
