import { z } from 'zod'
import { sheetDoesNotFit } from '../errors.ts'

const mm = (min: number, max: number, fallback: number) => z.number().min(min).max(max).default(fallback)

/** How cards are laid out on sheets. All lengths in millimetres. */
export const SheetOptions = z.object({
  page: z.enum(['a4', 'letter', 'custom']).default('a4'),
  page_width: mm(20, 2000, 210).describe('Of a custom page.'),
  page_height: mm(20, 2000, 297).describe('Of a custom page.'),
  card_width: mm(20, 500, 90),
  card_height: mm(20, 500, 54),
  margin: mm(0, 100, 8).describe('Kept free at the edges of the page; crop marks stand in it.'),
  gap: mm(0, 50, 0).describe('Between cards, beside their bleed.'),
  bleed: mm(0, 20, 3).describe('How far the background goes beyond the cut.'),
  crop_marks: z.boolean().default(true),
  background: z
    .string()
    .regex(/^[0-9a-f]{6}$/)
    .default('ffffff')
    .describe('Colour as six hexadecimal digits.'),
  show_name: z.boolean().default(true),
  show_number: z.boolean().default(true),
})
export type SheetOptions = z.output<typeof SheetOptions>

export type Point = { x: number; y: number }
export type Line = { from: Point; to: Point }
export type Layout = {
  width: number
  height: number
  /** Top left corners of the cut, row by row. */
  cards: Point[]
  columns: number
  rows: number
  marks: Line[]
}

const pages = { a4: [210, 297], letter: [215.9, 279.4] } as const
const longestMark = 5
/** Between a mark and the bleed, so that no ink of the mark is in the card. */
const markDistance = 1
const epsilon = 1e-6

/** @throws AppError `sheet.does_not_fit` */
export function sheetLayout(options: SheetOptions): Layout {
  const { card_width, card_height, margin, gap, bleed } = options
  const [width, height] =
    options.page === 'custom' ? [options.page_width, options.page_height] : pages[options.page]
  const fitting = (page: number, card: number) =>
    Math.floor((page - 2 * margin + gap) / (card + 2 * bleed + gap) + epsilon)
  const [columns, rows] = [fitting(width, card_width), fitting(height, card_height)]
  if (columns < 1 || rows < 1) throw sheetDoesNotFit()
  const starts = (page: number, card: number, count: number) => {
    const pitch = card + 2 * bleed + gap
    const first = (page - (count * pitch - gap)) / 2 + bleed
    return Array.from({ length: count }, (_, at) => first + at * pitch)
  }
  const lefts = starts(width, card_width, columns)
  const tops = starts(height, card_height, rows)
  return {
    width,
    height,
    columns,
    rows,
    cards: tops.flatMap(y => lefts.map(x => ({ x, y }))),
    marks: options.crop_marks ? cropMarks({ width, height, lefts, tops }, options) : [],
  }
}

/** Short lines outside the cards, where the cutter is set: at both ends of every cut. */
function cropMarks(
  { width, height, lefts, tops }: { width: number; height: number; lefts: number[]; tops: number[] },
  { card_width, card_height, bleed }: SheetOptions,
): Line[] {
  const cuts = (starts: number[], card: number) => [
    ...new Set(starts.flatMap(start => [start, start + card]).map(cut => Math.round(cut * 1000) / 1000)),
  ]
  const ends = (starts: number[], card: number, page: number): [number, number][] => {
    const before = (starts[0] ?? 0) - bleed - markDistance
    const behind = (starts.at(-1) ?? 0) + card + bleed + markDistance
    const spans: [number, number][] = [
      [Math.max(0, before - longestMark), before],
      [behind, Math.min(page, behind + longestMark)],
    ]
    return spans.filter(([from, to]) => to - from > 0.5)
  }
  const upright = cuts(lefts, card_width).flatMap(x =>
    ends(tops, card_height, height).map(([from, to]) => ({ from: { x, y: from }, to: { x, y: to } })),
  )
  const level = cuts(tops, card_height).flatMap(y =>
    ends(lefts, card_width, width).map(([from, to]) => ({ from: { x: from, y }, to: { x: to, y } })),
  )
  return [...upright, ...level]
}

export type Label = Point & { text: string; size: number; font: 'name' | 'code' | 'number' }
/** What stands on one card, from its top left corner: a QR code on white with its quiet zone, and lines of text. */
export type Face = { qr: Point & { size: number }; labels: Label[]; ink: string }

/** Widths of letters as parts of the size: of Courier, and of full-width and other letters. */
const monoWidth = 0.6
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u
const widthOf = (text: string): number =>
  [...text].reduce((sum, letter) => sum + (wide.test(letter) ? 1 : 0.58), 0)

/** Lays out the face of a card. The texts shrink until they fit; a name that is too long even then is cut. */
export function cardFace(
  options: SheetOptions,
  { name, code, number }: { name: string | null; code: string; number: number },
): Face {
  const { card_width, card_height, show_name, show_number, background } = options
  const pad = Math.max(2, Math.min(card_width, card_height) * 0.08)
  const isWide = card_width >= card_height
  const side = isWide
    ? Math.min(card_height - 2 * pad, card_width * 0.48)
    : Math.min(card_width - 2 * pad, card_height * 0.5)
  const qr = isWide
    ? { x: card_width - pad - side, y: (card_height - side) / 2, size: side }
    : { x: (card_width - side) / 2, y: pad, size: side }
  const box = isWide
    ? { x: pad, y: pad, width: card_width - 3 * pad - side, height: card_height - 2 * pad }
    : { x: pad, y: side + 2 * pad, width: card_width - 2 * pad, height: card_height - side - 3 * pad }
  const halves = [code.slice(0, 9), code.slice(10)]
  const unit = Math.min(box.width / (9 * monoWidth), box.height / 6.5, 6)
  const lines: Omit<Label, 'x' | 'y'>[] = []
  if (show_name && name !== null) lines.push(fitted(name, box.width, unit * 1.3))
  for (const half of halves) lines.push({ text: half, size: unit, font: 'code' })
  if (show_number) lines.push({ text: `No. ${number}`, size: unit * 0.6, font: 'number' })
  let y = box.y + (box.height - lines.reduce((sum, { size }) => sum + size * 1.35, 0)) / 2
  const labels = lines.map(line => {
    y += line.size * 1.35
    return { ...line, x: box.x, y: y - line.size * 0.35 }
  })
  return { qr, labels, ink: isDark(background) ? 'ffffff' : '111111' }
}

function fitted(name: string, width: number, largest: number): Omit<Label, 'x' | 'y'> {
  const least = largest * 0.55
  const size = Math.max(least, Math.min(largest, width / widthOf(name)))
  let text = name
  while (widthOf(text) * size > width + epsilon && text.length > 1)
    text = `${[...text].slice(0, -2).join('')}…`
  return { text, size, font: 'name' }
}

/** Relative luminance by the weights of Rec. 709, without gamma: enough to choose black or white. */
function isDark(colour: string): boolean {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map(at => Number.parseInt(colour.slice(at, at + 2), 16))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128
}
