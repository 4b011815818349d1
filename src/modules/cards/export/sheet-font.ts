import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Log } from '#core/log.ts'

/*
 * The fonts that every PDF reader has know no Chinese, so a name with Chinese letters needs a font file. The first that
 * has them all is taken: the one that the operator names, the one that is installed with Banyan (the letters of
 * GB 2312), or one that systems have in these places, for rarer ones.
 */
const installed = () =>
  fileURLToPath(new URL('../fonts/NotoSansHans-Bold.otf', import.meta.resolve('@embedpdf/fonts-sc')))
const usual = [
  '/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc#NotoSansCJKsc-Bold',
  '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc#NotoSansCJKsc-Regular',
  '/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc#NotoSansCJKsc-Bold',
  '/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Bold.ttc#NotoSansCJKsc-Bold',
  '/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc#NotoSansCJKsc-Bold',
  '/usr/share/fonts/truetype/wqy/wqy-microhei.ttc#WenQuanYiMicroHei',
  '/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf',
  '/System/Library/Fonts/Supplemental/Arial Unicode.ttf',
  '/Library/Fonts/Arial Unicode.ttf',
  'C:\\Windows\\Fonts\\simhei.ttf',
  'C:\\Windows\\Fonts\\msyhbd.ttc#MicrosoftYaHei-Bold',
]

export type SheetFont = { path: string; family: string | undefined }

/** What the standard fonts of PDF can write: WinAnsi, of which this is the plain part. */
const standard = /^[\x20-\x7e\xa0-\xff]*$/

/**
 * A font for a name: `standard` when the fonts of every reader will do, a file that has all of its letters, or null
 * when there is none, and the name has to be left out.
 */
export async function fontFor(
  name: string,
  { setting, log }: { setting: string; log: Log },
): Promise<'standard' | SheetFont | null> {
  if (standard.test(name)) return 'standard'
  const places = [installed(), ...usual].filter(place => existsSync(fontAt(place).path))
  for (const place of setting === '' ? places : [setting, ...places]) {
    const font = fontAt(place)
    try {
      if (await covers(font, name)) return font
    } catch (error) {
      // Not there, or not of the format that its name says: the next one may be.
      if (place === setting) log.warn({ error }, 'the font that CARDS_SHEET_FONT names cannot be read')
    }
  }
  return null
}

function fontAt(place: string): SheetFont {
  const [path = '', family] = place.split('#')
  return { path, family }
}

/** pdfkit keeps the font that it opened to itself. */
type Opened = { _font: { font: { hasGlyphForCodePoint(point: number): boolean } } }

async function covers({ path, family }: SheetFont, text: string): Promise<boolean> {
  const { default: PDFDocument } = await import('pdfkit')
  const document = new PDFDocument({ autoFirstPage: false })
  const opened = (family === undefined
    ? document.font(path)
    : document.font(path, family)) as unknown as Opened
  return [...text].every(letter => opened._font.font.hasGlyphForCodePoint(letter.codePointAt(0) ?? 0))
}
