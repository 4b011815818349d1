import { bars, qrMatrix, quietZone } from './qr.ts'
import { cardFace, type Layout, type SheetOptions } from './sheet-layout.ts'

/** A card as it is printed. */
export type PrintedCard = { number: number; code: string; url: string }

const round = (value: number): string => String(Math.round(value * 1000) / 1000)
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const fonts = {
  name: 'font-family="PingFang SC, Noto Sans CJK SC, Noto Sans SC, Microsoft YaHei, sans-serif" font-weight="600"',
  code: 'font-family="Courier, Liberation Mono, monospace" font-weight="700"',
  number: 'font-family="Helvetica, Arial, sans-serif"',
}

/** One sheet as an SVG of the page's real size; a user unit is a millimetre. */
export function sheetSvg(
  options: SheetOptions,
  layout: Layout,
  { name, cards }: { name: string | null; cards: readonly PrintedCard[] },
): string {
  const { card_width, card_height, bleed, background } = options
  const { width, height } = layout
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}mm" height="${height}mm" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
  ]
  for (const [at, card] of cards.entries()) {
    const corner = layout.cards[at]
    if (!corner) break
    const face = cardFace(options, { ...card, name })
    const matrix = qrMatrix(card.url)
    const module = face.qr.size / (matrix.length + 2 * quietZone)
    parts.push(
      `<g transform="translate(${round(corner.x)} ${round(corner.y)})">`,
      `<rect x="${-bleed}" y="${-bleed}" width="${round(card_width + 2 * bleed)}" height="${round(card_height + 2 * bleed)}" fill="#${background}"/>`,
      `<rect x="${round(face.qr.x)}" y="${round(face.qr.y)}" width="${round(face.qr.size)}" height="${round(face.qr.size)}" fill="#fff"/>`,
      `<path transform="translate(${round(face.qr.x + quietZone * module)} ${round(face.qr.y + quietZone * module)}) scale(${round(module * 1000)}e-3)" shape-rendering="crispEdges" d="${pathOf(matrix)}"/>`,
      ...face.labels.map(
        label =>
          `<text x="${round(label.x)}" y="${round(label.y)}" font-size="${round(label.size)}" fill="#${face.ink}" ${fonts[label.font]}>${escaped(label.text)}</text>`,
      ),
      '</g>',
    )
  }
  const marks = layout.marks.map(
    ({ from, to }) => `M${round(from.x)} ${round(from.y)}L${round(to.x)} ${round(to.y)}`,
  )
  if (marks.length > 0)
    parts.push(`<path d="${marks.join('')}" stroke="#000" stroke-width="0.1" fill="none"/>`)
  parts.push('</svg>')
  return parts.join('\n')
}

const pathOf = (matrix: boolean[][]): string => {
  let path = ''
  for (const [x, y, length] of bars(matrix)) path += `M${x} ${y}h${length}v1h-${length}z`
  return path
}
