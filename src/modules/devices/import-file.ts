import { normalMac } from './registry.ts'

/*
 * Reading a factory's list of devices: CSV as it comes from Excel and from scripts, in UTF-8, UTF-16 or GBK, separated
 * by commas, semicolons or tabs. A line is a row; whatever is wrong with one is said and the others are taken.
 */

export type ImportRow = { line: number; mac: string; serial: string | null; proof_key: string | null }
export type RowProblem = { line: number; value: string; code: ProblemCode }

export const problemTexts = {
  line_malformed: { en: 'The quotes in this line do not match.', 'zh-CN': '这一行的引号不成对。' },
  line_too_long: { en: 'This line is too long for a device.', 'zh-CN': '这一行过长。' },
  formula: {
    en: 'A cell begins like a formula (= + - @). Export the list as plain values.',
    'zh-CN': '单元格以公式符号（= + - @）开头，请以纯数值导出。',
  },
  mac_missing: { en: 'There is no MAC address in this line.', 'zh-CN': '这一行没有 MAC 地址。' },
  mac_malformed: {
    en: 'This is not a MAC address (such as 8c:bf:ea:01:02:03).',
    'zh-CN': '不是有效的 MAC 地址（例如 8c:bf:ea:01:02:03）。',
  },
  mac_repeated: {
    en: 'This MAC address stands in the file before.',
    'zh-CN': '此 MAC 地址在文件前面已出现。',
  },
  mac_in_batch: { en: 'The batch has this MAC address already.', 'zh-CN': '该批次中已有此 MAC 地址。' },
  mac_taken: { en: 'Another batch has this MAC address.', 'zh-CN': '此 MAC 地址已在其他批次中。' },
  serial_malformed: {
    en: 'A serial number has letters, digits and . _ - only, 64 at most.',
    'zh-CN': '序列号只能包含字母、数字和 . _ -，最多 64 个字符。',
  },
  serial_repeated: {
    en: 'This serial number stands in the file before.',
    'zh-CN': '此序列号在文件前面已出现。',
  },
  serial_taken: { en: 'Another device has this serial number.', 'zh-CN': '此序列号已被其他设备使用。' },
  serial_outside_range: {
    en: 'The serial number is outside of the range of the batch.',
    'zh-CN': '序列号不在批次的范围内。',
  },
  key_missing: {
    en: 'The batch asks for a proof, so every device needs its factory key (hmac_key).',
    'zh-CN': '该批次要求正品验证，每台设备都需要出厂密钥（hmac_key）。',
  },
  key_malformed: {
    en: 'The factory key has to be 64 hexadecimal digits.',
    'zh-CN': '出厂密钥应为 64 位十六进制数字。',
  },
} as const
export type ProblemCode = keyof typeof problemTexts

export type FileEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'gbk'

/** The encoding of a file, from all of its bytes; null for what is no text (a spreadsheet, say). */
export async function findEncoding(chunks: AsyncIterable<Uint8Array>): Promise<FileEncoding | null> {
  let head = Buffer.alloc(0)
  let hasZero = false
  let isUtf8 = true
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of chunks) {
    if (head.length < 4) head = Buffer.concat([head, chunk]).subarray(0, 4)
    hasZero ||= chunk.includes(0)
    try {
      if (isUtf8) utf8.decode(chunk, { stream: true })
    } catch {
      isUtf8 = false
    }
  }
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  if (hasZero || head.toString('latin1').startsWith('PK\x03\x04')) return null
  try {
    if (isUtf8) utf8.decode()
  } catch {
    isUtf8 = false
  }
  return isUtf8 ? 'utf-8' : 'gbk'
}

const longestLine = 4000

/**
 * Lines of a text of any length, ended by LF, CRLF or CR, cut at `longestLine` and one more, so that the rest of a
 * longer one is skipped.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  encoding: FileEncoding,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding)
  let line = ''
  const keep = (text: string) => {
    if (line.length <= longestLine) line += text.slice(0, longestLine + 1)
  }
  async function* texts() {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  }
  let hadCr = false
  for await (const text of texts()) {
    if (text === '') continue
    // Of a CRLF that two pieces share, the first has ended the line.
    let start = hadCr && text[0] === '\n' ? 1 : 0
    hadCr = text.endsWith('\r')
    for (const { 0: end, index } of text.matchAll(/\r\n?|\n/g)) {
      if (index < start) continue
      keep(text.slice(start, index))
      yield line
      line = ''
      start = index + end.length
    }
    keep(text.slice(start))
  }
  if (line !== '') yield line
}

type Column = 'mac' | 'serial' | 'proof_key'
export type Layout = { separator: string; columns: (Column | null)[]; hasHeader: boolean }

const columnNames: [Column, RegExp][] = [
  ['mac', /^mac/i],
  ['serial', /^(?:serial|sn$|s\/n|序列号)/i],
  ['proof_key', /^(?:hmac|key|密钥)/i],
]

/** What the columns are, from the first line: a header in any order, or `mac, serial, hmac_key` without one. */
export function layoutOf(firstLine: string): Layout {
  const separator = [',', '\t', ';'].find(sign => firstLine.includes(sign)) ?? ','
  const cells = cellsOf(firstLine, separator) ?? []
  const columns = cells.map(cell => columnNames.find(([, name]) => name.test(cell.trim()))?.[0] ?? null)
  if (columns.includes('mac')) return { separator, columns, hasHeader: true }
  return { separator, columns: ['mac', 'serial', 'proof_key'], hasHeader: false }
}

/** The cells of a line, or null where its quotes do not match. */
function cellsOf(line: string, separator: string): string[] | null {
  const cells: string[] = []
  let at = 0
  for (;;) {
    if (line[at] === '"') {
      let end = at + 1
      let cell = ''
      for (;;) {
        const quote = line.indexOf('"', end)
        if (quote < 0) return null
        cell += line.slice(end, quote)
        end = quote + 1
        if (line[end] !== '"') break
        cell += '"'
        end++
      }
      if (end < line.length && line[end] !== separator) return null
      cells.push(cell)
      at = end
    } else {
      const end = line.indexOf(separator, at)
      cells.push(line.slice(at, end < 0 ? undefined : end))
      at = end < 0 ? line.length : end
    }
    if (at >= line.length) return cells
    at++
  }
}

export type RowRules = { requires_proof: boolean; serial_from: string | null; serial_to: string | null }

/** One line as a device, or what is wrong with it; null for an empty line. */
export function readRow(
  text: string,
  line: number,
  { separator, columns }: Layout,
  rules: RowRules,
): ImportRow | RowProblem | null {
  const problem = (code: ProblemCode, value = text): RowProblem => ({
    line,
    value: value.slice(0, 100),
    code,
  })
  if (text.length > longestLine) return problem('line_too_long')
  if (text.trim() === '') return null
  const cells = cellsOf(text, separator)?.map(cell => cell.trim())
  if (!cells) return problem('line_malformed')
  if (cells.every(cell => cell === '')) return null
  const cell = (column: Column) => cells[columns.indexOf(column)] ?? ''
  const formula = (['mac', 'serial', 'proof_key'] as const).map(cell).find(value => /^[=+\-@]/.test(value))
  if (formula !== undefined) return problem('formula', formula)
  const given = cell('mac')
  if (given === '') return problem('mac_missing')
  const mac = normalMac(given)
  if (mac === null) return problem('mac_malformed', given)
  const serial = cell('serial') || null
  if (serial !== null && !/^[A-Za-z0-9._-]{1,64}$/.test(serial)) return problem('serial_malformed', serial)
  if (!isInRange(serial, rules)) return problem('serial_outside_range', serial ?? '')
  const proof_key = cell('proof_key').toLowerCase() || null
  if (proof_key === null && rules.requires_proof) return problem('key_missing', mac)
  if (proof_key !== null && !/^[0-9a-f]{64}$/.test(proof_key)) return problem('key_malformed', mac)
  return { line, mac, serial, proof_key }
}

/** Ranges are of texts of one length, as factories count: SN000100 to SN000199. */
function isInRange(serial: string | null, { serial_from, serial_to }: RowRules): boolean {
  if (serial_from === null && serial_to === null) return true
  if (serial === null) return false
  const length = (serial_from ?? serial_to ?? '').length
  if (serial.length !== length) return false
  return (serial_from === null || serial >= serial_from) && (serial_to === null || serial <= serial_to)
}
