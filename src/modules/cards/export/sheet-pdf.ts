import { setImmediate as nextTurn } from 'node:timers/promises'
import type PDFDocument from 'pdfkit'
import { bars, qrMatrix, quietZone } from './qr.ts'
import type { SheetFont } from './sheet-font.ts'
import { cardFace, type Layout, type SheetOptions } from './sheet-layout.ts'
import type { PrintedCard } from './sheet-svg.ts'

type Document = InstanceType<typeof PDFDocument>

const pointsPerMm = 72 / 25.4
const round = (value: number): number => Math.round(value * 1000) / 1000

/**
 * A PDF of sheets, written while it is read: a sheet is drawn when what is before it has been taken. QR codes are
 * vectors. `cards` tells after each piece how many are drawn.
 */
export async function* sheetsPdf(
  options: SheetOptions,
  layout: Layout,
  {
    name,
    font,
    sheets,
  }: { name: string; font: 'standard' | SheetFont | null; sheets: Iterable<PrintedCard[]> },
): AsyncGenerator<{ bytes: Buffer; cards: number }> {
  const size: [number, number] = [layout.width * pointsPerMm, layout.height * pointsPerMm]
  // Loaded where it is used: it takes 30 MB of memory.
  const { default: Pdf } = await import('pdfkit')
  const document = new Pdf({ autoFirstPage: false, size, margin: 0, info: { Title: name } })
  if (font !== null && font !== 'standard') document.registerFont('name', font.path, font.family)
  const nameFont = font === 'standard' ? 'Helvetica-Bold' : 'name'
  const fonts = { name: nameFont, code: 'Courier-Bold', number: 'Helvetica' }
  let drawn = 0
  for (const cards of sheets) {
    document.addPage()
    drawSheet(document, options, layout, { name: font === null ? null : name, cards, fonts })
    drawn += cards.length
    // Pages are packed off the event loop; what is ready is taken before the next one is drawn.
    await nextTurn()
    const bytes = document.read() as Buffer | null
    if (bytes !== null) yield { bytes, cards: drawn }
  }
  document.end()
  // A Readable, of which the library's types know only the older half.
  for await (const bytes of document as unknown as AsyncIterable<Buffer>) yield { bytes, cards: drawn }
}

function drawSheet(
  document: Document,
  options: SheetOptions,
  layout: Layout,
  sheet: {
    name: string | null
    cards: readonly PrintedCard[]
    fonts: Record<'name' | 'code' | 'number', string>
  },
) {
  const { card_width, card_height, bleed, background } = options
  document.scale(pointsPerMm)
  for (const [at, card] of sheet.cards.entries()) {
    const corner = layout.cards[at]
    if (!corner) break
    const { qr, labels, ink } = cardFace(options, { ...card, name: sheet.name })
    document.save().translate(corner.x, corner.y)
    document.rect(-bleed, -bleed, card_width + 2 * bleed, card_height + 2 * bleed).fill(`#${background}`)
    document.rect(qr.x, qr.y, qr.size, qr.size).fill('#ffffff')
    for (const { text, x, y, size, font } of labels)
      document
        .font(sheet.fonts[font])
        .fontSize(size)
        .fillColor(`#${ink}`)
        .text(text, x, y, { baseline: 'alphabetic', lineBreak: false })
    document.fillColor('#000000')
    drawQr(document, card.url, qr)
    document.restore()
  }
  if (layout.marks.length === 0) return
  document.lineWidth(0.1)
  for (const { from, to } of layout.marks) document.moveTo(from.x, from.y).lineTo(to.x, to.y)
  document.stroke('#000000')
}

/** In PDF's own words: a call of the library for each of some 400 bars would take four times as long. */
function drawQr(document: Document, url: string, { x, y, size }: { x: number; y: number; size: number }) {
  const matrix = qrMatrix(url)
  const module = size / (matrix.length + 2 * quietZone)
  const [left, top] = [x + quietZone * module, y + quietZone * module]
  const words = [
    `q ${round(module * 1000) / 1000} 0 0 ${round(module * 1000) / 1000} ${round(left)} ${round(top)} cm`,
  ]
  for (const [column, row, length] of bars(matrix)) words.push(`${column} ${row} ${length} 1 re`)
  words.push('f Q')
  document.addContent(words.join(' '))
}
