import { existsSync } from 'node:fs'
import { sheetFontUnreadable } from '../errors.ts'

/*
 * The fonts that every PDF reader has know no Chinese, so a name with Chinese letters needs a font file. None comes with
 * Banyan: one that the operator names is taken, or one that systems have in these places.
 */
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
 * @throws AppError `sheet.font_unreadable` for a file that the operator named
 */
export async function fontFor(name: string, setting: string): Promise<'standard' | SheetFont | null> {
  if (standard.test(name)) return 'standard'
  if (setting !== '') {
    try {
      return (await covers(fontAt(setting), name)) ? fontAt(setting) : null
    } catch (error) {
      throw sheetFontUnreadable({}, { cause: error })
    }
  }
  for (const place of usual) {
    const font = fontAt(place)
    if (!existsSync(font.path)) continue
    try {
      if (await covers(font, name)) return font
    } catch {
      // Not of the format that its name says: the next one may be.
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
