import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { Secrets } from '#core/security/secrets.ts'
import type { Identity } from '#modules/identity/contract.ts'
import { batchStore, type NamedBatch } from '../batch-store.ts'
import { type CodeHasher, codeOf, printed } from '../codes.ts'
import type { cardsSettings } from '../config.ts'
import {
  batchKeyMissing,
  batchNotFound,
  batchWrongState,
  cardNotFound,
  exportRangeInvalid,
} from '../errors.ts'
import { openBatch } from '../generation.ts'
import type { CardsTables } from '../tables.ts'
import { byteOrderMark, csvLine } from './csv.ts'
import { type ExportRow, exportStore } from './export-store.ts'
import { qrPng } from './qr.ts'
import { cardsInPart, pdfFiles, type Run, type SheetFormat, sheetsOf, svgFiles } from './sheet-files.ts'
import { fontFor } from './sheet-font.ts'
import { type SheetOptions, sheetLayout } from './sheet-layout.ts'
import { sheetsPdf } from './sheet-pdf.ts'
import { sheetSvg } from './sheet-svg.ts'
import { zip } from './zip.ts'

/** That somebody took codes out of the house: who, when, which, how many, and whether it came to its end. */
export const Export = z
  .object({
    id: z.uuid(),
    format: z.enum(['csv', 'svg', 'pdf', 'png']),
    options: z
      .looseObject({ from: z.int(), to: z.int() })
      .describe('Numbers of the first and the last card, and how they were laid out.'),
    state: z
      .enum(['running', 'finished', 'cut'])
      .describe('“cut”: the reader went away, or the server stopped.'),
    cards: z.int().describe('How many were written.'),
    requested_by: z.object({ id: z.uuid(), name: z.string().nullable() }),
    created_at: z.string(),
    finished_at: z.string().nullable(),
  })
  .meta({ id: 'CardsExport' })
export type Export = z.output<typeof Export>

export const SheetPlan = z
  .object({
    columns: z.int(),
    rows: z.int(),
    sheets: z.int(),
    most_cards: z.int().describe('Largest number of cards in one PDF; more come as a ZIP.'),
    part_cards: z.int().describe('Largest number of cards in each PDF of a ZIP.'),
    is_name_printable: z
      .boolean()
      .describe('False: a PDF leaves the name out, for want of a font with its letters.'),
    redeem_url: z.string().describe('Where the QR codes lead, without the code.'),
    preview: z.string().describe('The first sheet as SVG, with a code that is none.'),
  })
  .meta({ id: 'CardsSheetPlan' })
export type SheetPlan = z.output<typeof SheetPlan>

export type Range = { from: number; to: number | undefined }
/** A file on its way out. `settle` notes how it ended, and must be called once. */
export type Outgoing = {
  name: string
  media_type: string
  stream: Readable
  settle(isComplete: boolean): Promise<void>
}

type Piece = { bytes: Buffer | string; cards: number }
type Source = Run & { batch: NamedBatch }

const csvChunk = 1000
const mostAtOnce = 1_000_000
const mostInPdf = 20_000
const mostFonts = 500
const noteInterval_ms = 5000
const silence_ms = 10 * 60_000
const sampleCode = '0123-4567-89AB-CDEF'

export type Exports = ReturnType<typeof createExports>

export function createExports(deps: {
  db: Db
  clock: Clock
  log: Log
  secrets: Secrets
  hashers: readonly CodeHasher[]
  settings: Settings<typeof cardsSettings>
  identity: Pick<Identity, 'usersByIds'>
  /** Where people reach this server, without a slash at the end. */
  publicUrl: string
}) {
  const { clock, log, settings, identity } = deps
  const db = deps.db.withTables<CardsTables>()
  const redeem_url = `${deps.publicUrl}/redeem?code=`
  const now = () => new Date(clock.now()).toISOString()
  const fonts = new Map<string, Awaited<ReturnType<typeof fontFor>>>()

  /** Fonts are large files: each name is looked for once. */
  async function fontOf(name: string): ReturnType<typeof fontFor> {
    const known = fonts.get(name)
    if (known !== undefined) return known
    if (fonts.size >= mostFonts) fonts.clear()
    const font = await fontFor(name, { setting: settings.CARDS_SHEET_FONT, log })
    fonts.set(name, font)
    return font
  }

  async function batchOf(id: string): Promise<NamedBatch> {
    const batch = await batchStore.find(db.primary, id)
    if (!batch) throw batchNotFound()
    return batch
  }

  /** The codes of a batch, once more. @throws AppError `batch.*`, `export.range_invalid` */
  async function open(id: string, range: Range, limit: number): Promise<Source> {
    const batch = await batchOf(id)
    const exportable = ['ready', 'released', 'frozen']
    if (!exportable.includes(batch.state))
      throw batchWrongState({ state: batch.state, needed: exportable.join(', ') })
    const { secret, hasher } = openBatch(deps, batch)
    const { from, to = batch.quantity } = range
    if (from > to || to > batch.quantity || to - from >= limit)
      throw exportRangeInvalid({ last: batch.quantity, limit })
    const attempts = await batchStore.attempts(db.primary, id)
    const codeAt = (number: number) => codeOf(secret, number, attempts.get(number) ?? 0)
    // Cards that nobody can redeem must not be printed, whatever went wrong with the keys.
    const first = await batchStore.hashOf(db.primary, id, from)
    if (!first?.code_hash.equals(hasher.hash(codeAt(from)))) throw batchKeyMissing({ key_id: hasher.key_id })
    return {
      batch,
      from,
      to,
      cardAt(number) {
        const code = printed(codeAt(number))
        return { number, code, url: redeem_url + code }
      },
    }
  }

  /** Notes the export before its first byte, and how far it is while it runs. */
  async function audited(
    actor: Actor,
    { batch, from, to }: Source,
    file: { format: ExportRow['format']; ending: string; media_type: string; options: object },
    pieces: AsyncIterable<Piece>,
  ): Promise<Outgoing> {
    const id = newId()
    const { format, ending, media_type, options } = file
    await exportStore.insert(db.primary, {
      id,
      batch_id: batch.id,
      format,
      options: { ...options, from, to },
      requested_by: actor.user_id,
    })
    log.info({ export_id: id, batch_id: batch.id, format, user_id: actor.user_id }, 'codes are exported')
    let cards = 0
    async function* noted() {
      let last = clock.now()
      for await (const piece of pieces) {
        // Before it goes out: of what was cut off, no code is outside without being counted.
        cards = piece.cards
        yield piece.bytes
        if (clock.now() - last < noteInterval_ms) continue
        last = clock.now()
        await exportStore.update(db.primary, id, { cards, updated_at: now() })
      }
    }
    return {
      name: `${batch.name.replaceAll(/[\p{Cc}/\\:*?"<>|]/gu, '_')}.${ending}`,
      media_type,
      stream: Readable.from(noted()),
      async settle(isComplete) {
        const state = isComplete ? 'finished' : 'cut'
        try {
          await exportStore.update(db.primary, id, { state, cards, updated_at: now(), finished_at: now() })
        } catch (error) {
          log.error({ error, export_id: id, state, cards }, 'the end of an export was not noted')
        }
      },
    }
  }

  return {
    async csv(actor: Actor, id: string, { bom, ...range }: Range & { bom: boolean }): Promise<Outgoing> {
      const source = await open(id, range, mostAtOnce)
      const file = {
        format: 'csv',
        ending: 'csv',
        media_type: 'text/csv; charset=utf-8',
        options: { bom },
      } as const
      return audited(actor, source, file, csvPieces(source, bom))
    },

    async pdf(actor: Actor, id: string, options: SheetOptions, range: Range): Promise<Outgoing> {
      const source = await open(id, range, mostInPdf)
      const layout = sheetLayout(options)
      const name = source.batch.template_name
      const font = await fontOf(name)
      const sheets = sheetsOf(source, layout.cards.length)
      const file = { format: 'pdf', ending: 'pdf', media_type: 'application/pdf', options } as const
      return audited(actor, source, file, sheetsPdf(options, layout, { name, font, sheets }))
    },

    /** All sheets in a ZIP: an SVG for each of them, or PDFs of at most `cardsInPart` cards. */
    async zip(
      actor: Actor,
      id: string,
      { format, ...options }: SheetOptions & { format: SheetFormat },
      range: Range,
    ): Promise<Outgoing> {
      const source = await open(id, range, mostAtOnce)
      const layout = sheetLayout(options)
      const name = source.batch.template_name
      const files =
        format === 'svg'
          ? svgFiles(options, layout, { name, run: source })
          : pdfFiles(options, layout, { name, font: await fontOf(name), run: source })
      let cards = 0
      async function* counted() {
        for await (const file of files) {
          cards += file.cards
          yield file
        }
      }
      async function* pieces() {
        for await (const bytes of zip(counted())) yield { bytes, cards }
      }
      const file = { format, ending: 'zip', media_type: 'application/zip', options } as const
      return audited(actor, source, file, pieces())
    },

    /** One card's QR code. @throws AppError `card.not_found` */
    async png(actor: Actor, id: string, number: number, scale: number): Promise<Outgoing> {
      const { quantity } = await batchOf(id)
      if (number > quantity) throw cardNotFound()
      const source = await open(id, { from: number, to: number }, 1)
      const file = {
        format: 'png',
        ending: `${number}.png`,
        media_type: 'image/png',
        options: { scale },
      } as const
      async function* pieces() {
        yield { bytes: qrPng(source.cardAt(number).url, scale), cards: 1 }
      }
      return audited(actor, source, file, pieces())
    },

    /** What print sheets will be, before any code leaves the house. @throws AppError `sheet.does_not_fit` */
    async plan(id: string, options: SheetOptions, { from, to }: Range): Promise<SheetPlan> {
      const batch = await batchOf(id)
      const last = Math.min(to ?? batch.quantity, batch.quantity)
      const count = Math.max(0, last - from + 1)
      const layout = sheetLayout(options)
      const name = batch.template_name
      const cards = Array.from({ length: Math.min(count, layout.cards.length) }, (_, at) => ({
        number: from + at,
        code: sampleCode,
        url: redeem_url + sampleCode,
      }))
      return {
        columns: layout.columns,
        rows: layout.rows,
        sheets: Math.ceil(count / layout.cards.length),
        most_cards: mostInPdf,
        part_cards: cardsInPart,
        is_name_printable: (await fontOf(name)) !== null,
        redeem_url: redeem_url.slice(0, redeem_url.indexOf('?')),
        preview: sheetSvg(options, layout, { name, cards }),
      }
    },

    /** The record of a batch's exports, newest first. @throws AppError `batch.not_found` */
    async list(
      id: string,
      { limit, cursor }: { limit: number; cursor?: string | undefined },
    ): Promise<Page<Export>> {
      await batchOf(id)
      const [before] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [null]
      const rows = await exportStore.list(db.primary, id, before, limit + 1)
      const people = await identity.usersByIds([...new Set(rows.map(row => row.requested_by))])
      const items = rows.map(({ batch_id: _, updated_at: _at, requested_by, ...row }) => ({
        ...row,
        requested_by: { id: requested_by, name: people.get(requested_by)?.display_name ?? null },
      }))
      return pageFrom(items, limit, item => [item.id])
    },

    /** Marks as cut what a process left that is gone. */
    giveUpSilent: () =>
      exportStore.giveUp(db.primary, new Date(clock.now() - silence_ms).toISOString(), now()),
  }
}

async function* csvPieces({ batch, from, to, cardAt }: Source, bom: boolean): AsyncGenerator<Piece> {
  const header = csvLine(['number', 'code', 'url', 'name', 'batch', 'channel', 'expires_at'])
  yield { bytes: (bom ? byteOrderMark : '') + header, cards: 0 }
  const { template_name, name, channel, expires_at } = batch
  const same = csvLine([template_name, name, channel, expires_at])
  for (let start = from; start <= to; start += csvChunk) {
    const end = Math.min(start + csvChunk - 1, to)
    let lines = ''
    for (let number = start; number <= end; number++) {
      const { code, url } = cardAt(number)
      // Of our own making: nothing in them needs quotes.
      lines += `${number},${code},${url},${same}`
    }
    yield { bytes: lines, cards: end - from + 1 }
    await nextTurn()
  }
}
