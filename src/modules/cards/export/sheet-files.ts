import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SheetFont } from './sheet-font.ts'
import type { Layout, SheetOptions } from './sheet-layout.ts'
import { sheetsPdf } from './sheet-pdf.ts'
import { type PrintedCard, sheetSvg } from './sheet-svg.ts'
import type { ZipFile } from './zip.ts'

/** The cards of a batch that are printed. */
export type Run = { from: number; to: number; cardAt(number: number): PrintedCard }
export type SheetFormat = 'svg' | 'pdf'

/** Cards in one PDF of a ZIP, or a few fewer: about 3 MB, held in memory while it is made. */
export const cardsInPart = 5_000

const padded = (number: number, length: number) => String(number).padStart(length, '0')

export function* sheetsOf({ from, to, cardAt }: Run, perSheet: number): Generator<PrintedCard[]> {
  for (let start = from; start <= to; start += perSheet) {
    const count = Math.min(perSheet, to - start + 1)
    yield Array.from({ length: count }, (_, at) => cardAt(start + at))
  }
}

/** An SVG for each sheet. `cards`: how many are on it. */
export async function* svgFiles(
  options: SheetOptions,
  layout: Layout,
  { name, run }: { name: string; run: Run },
): AsyncGenerator<ZipFile & { cards: number }> {
  let sheet = 0
  for (const cards of sheetsOf(run, layout.cards.length)) {
    await nextTurn()
    const content = Buffer.from(sheetSvg(options, layout, { name, cards }))
    yield { name: `sheet-${padded(++sheet, 6)}.svg`, content, cards: cards.length }
  }
}

/** PDFs that are cut between sheets, so that only the last sheet of all has room left. Their names say which cards. */
export async function* pdfFiles(
  options: SheetOptions,
  layout: Layout,
  { name, font, run }: { name: string; font: 'standard' | SheetFont | null; run: Run },
): AsyncGenerator<ZipFile & { cards: number }> {
  const perSheet = layout.cards.length
  const step = Math.max(1, Math.floor(cardsInPart / perSheet)) * perSheet
  for (let from = run.from; from <= run.to; from += step) {
    const to = Math.min(from + step - 1, run.to)
    const sheets = sheetsOf({ ...run, from, to }, perSheet)
    const pieces: Buffer[] = []
    for await (const { bytes } of sheetsPdf(options, layout, { name, font, sheets })) pieces.push(bytes)
    yield {
      name: `cards-${padded(from, 7)}-${padded(to, 7)}.pdf`,
      content: Buffer.concat(pieces),
      isPacked: true,
      cards: to - from + 1,
    }
  }
}
