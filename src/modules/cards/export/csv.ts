/** What Excel, WPS and others take for the beginning of a formula, in their full-width forms too. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/

/**
 * A cell of a CSV file (RFC 4180) that no spreadsheet calculates: one that would begin a formula gets an apostrophe in
 * front (OWASP, CSV injection).
 */
export function csvCell(value: string | number | null): string {
  if (value === null) return ''
  const text = typeof value === 'number' ? String(value) : formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csvLine = (cells: readonly (string | number | null)[]): string =>
  `${cells.map(csvCell).join(',')}\r\n`

/** Excel takes UTF-8 for what it is only behind this. */
export const byteOrderMark = '\ufeff'
