type Cell = string | number

/**
 * RFC 4180, with a byte order mark so that Excel reads it as UTF-8. Texts that a spreadsheet would take for a formula
 * get an apostrophe in front.
 */
export const toCsv = (head: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  `\ufeff${[head, ...rows].map(row => row.map(toCell).join(',')).join('\r\n')}\r\n`

function toCell(value: Cell): string {
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The download has its own hold of the data once it began.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
