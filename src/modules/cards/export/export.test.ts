import { fileURLToPath } from 'node:url'
import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { decodeQR } from 'qr/decode.js'
import { extractText } from 'unpdf'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { parseCode } from '../codes.ts'
import type { CardsTables } from '../tables.ts'
import { type CardsClient, signUpOperator } from '../testing.ts'
import { csvCell } from './csv.ts'
import { exportStore } from './export-store.ts'
import type { Export, SheetPlan } from './exports.ts'
import { qrMatrix, quietZone } from './qr.ts'
import { fontFor, type SheetFont } from './sheet-font.ts'
import { cardFace, SheetOptions, sheetLayout } from './sheet-layout.ts'
import { zip } from './zip.ts'
import { unzip } from './zip-testing.ts'

let app: TestApp
let cards: CardsClient
let headers: { authorization: string }
const redeemUrl = 'https://cards.example.com/redeem?code='

beforeAll(async () => {
  app = await startTestApp({ settings: { PUBLIC_URL: 'https://cards.example.com/' } })
  const operator = await signUpOperator(app)
  cards = operator.cards
  headers = operator.headers
})
afterAll(() => app.stop())

const download = (id: string, path: string, init: RequestInit = {}) =>
  app.fetch(`/api/v1/cards/batches/${id}/${path}`, { headers, ...init })

/** The newest note in the record of exports, once it has ended. */
const lastExport = (id: string): Promise<Export> =>
  vi.waitFor(
    async () => {
      const { items } = (await cards.call<{ items: Export[] }>('GET', `/batches/${id}/exports`)).body
      expect(items[0]?.state).not.toBe('running')
      return items[0] as Export
    },
    { timeout: 20_000 },
  )

test('CSV has every code once, can be repeated, and no cell that calculates', async () => {
  const { id: template_id } = await cards.template({ name: '=HYPERLINK("x")' })
  const { id } = await cards.ready({ quantity: 2500, template_id, name: '@sum, "two"', channel: '+86 抖音' })
  const answer = await download(id, 'codes.csv')
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(answer.headers.get('content-disposition')).toContain('.csv')
  const text = Buffer.from(await answer.arrayBuffer()).toString('utf8')
  expect(text.startsWith('\ufeffnumber,code,url,name,batch,channel,expires_at\r\n')).toBe(true)
  const lines = text.trimEnd().split('\r\n').slice(1)
  expect(lines.length).toBe(2500)
  expect(lines[0]).toMatch(/^1,.*,"'=HYPERLINK\(""x""\)","'@sum, ""two""",'\+86 抖音,$/)
  const codes = lines.map(line => line.split(',')[1] ?? '')
  expect(new Set(codes).size).toBe(2500)
  expect(codes.filter(code => parseCode(code).code === null)).toEqual([])
  expect(lines[7]?.split(',')[2]).toBe(redeemUrl + codes[7])

  expect(await lastExport(id)).toMatchObject({ format: 'csv', state: 'finished', cards: 2500 })
  const again = await download(id, 'codes.csv?bom=false&from=8&to=9')
  const part = (await again.text()).trimEnd().split('\r\n')
  expect(part).toEqual([text.slice(1).split('\r\n')[0], lines[7], lines[8]])
  const { requested_by, options } = await lastExport(id)
  expect(requested_by.name).not.toBeNull()
  expect(options).toEqual({ bom: false, from: 8, to: 9 })
})

test('no cell of a CSV can begin a formula, and none is lost', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('=', '+', '-', '@', '\t', '\r', '＝', '"', ',', 'a') }),
      text => {
        const cell = csvCell(text)
        const shown = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell
        expect(shown).not.toMatch(/^[=+\-@\t\r＝]/)
        expect(shown.endsWith(text)).toBe(true)
        if (!cell.startsWith('"')) expect(cell).not.toMatch(/[",\r\n]/)
      },
    ),
  )
})

test('a download that is cut off is noted as such', async () => {
  const { id } = await cards.ready({ quantity: 60_000 })
  const controller = new AbortController()
  const answer = await download(id, 'codes.csv', { signal: controller.signal })
  await answer.body?.getReader().read()
  controller.abort()
  const note = await lastExport(id)
  expect(note.state).toBe('cut')
  expect(note.cards).toBeLessThan(60_000)
  // More than one file of sheets may hold: a part has to be chosen.
  expect((await download(id, 'sheets.pdf')).status).toBe(422)
})

test('whoever breaks off has what was handed over until then', async () => {
  const { id } = await cards.ready({ quantity: 6_000, name: '一\n二' })
  const controller = new AbortController()
  const answer = await download(id, 'sheets.zip?format=pdf&show_name=false', { signal: controller.signal })
  expect(answer.headers.get('content-disposition')).toContain(encodeURIComponent('一_二.zip'))
  const reader = answer.body?.getReader()
  for (let bytes = 0; bytes < 100_000; ) bytes += (await reader?.read())?.value?.length ?? Number.NaN
  controller.abort()
  expect((await lastExport(id)).cards).toBeGreaterThanOrEqual(4_990)
}, 120_000)

test('what a dead process left is given up', async () => {
  const { id } = await cards.ready({ quantity: 1 })
  const { primary } = app.core.db.withTables<CardsTables>()
  const note = {
    id: newId(),
    batch_id: id,
    format: 'csv',
    options: { from: 1, to: 1 },
    requested_by: newId(),
  } as const
  await exportStore.insert(primary, note)
  const [earlier, later] = [-60_000, 60_000].map(ms => new Date(Date.now() + ms).toISOString())
  expect(await exportStore.giveUp(primary, earlier ?? '', later ?? '')).toBe(0)
  expect(await exportStore.giveUp(primary, later ?? '', later ?? '')).toBe(1)
  expect(await lastExport(id)).toMatchObject({ id: note.id, state: 'cut', requested_by: { name: null } })
})

test('codes come only from batches that have them, and from none whose secret is destroyed', async () => {
  const draft = await cards.batch()
  expect((await download(draft.id, 'codes.csv')).status).toBe(409)
  expect((await download(newId(), 'codes.csv')).status).toBe(404)
  const { id } = await cards.ready({ quantity: 3 })
  for (const query of ['from=2&to=1', 'to=4', 'from=4']) {
    const answer = await download(id, `codes.csv?${query}`)
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      422,
      'export.range_invalid',
    ])
  }
  expect((await download(id, 'sheets.pdf?card_width=400')).status).toBe(422)
  expect((await download(id, 'sheets.pdf?background=red')).status).toBe(400)
  expect((await download(id, 'cards/4/qr.png')).status).toBe(404)

  const { body } = await cards.call('DELETE', `/batches/${id}/secret`)
  expect(body).toMatchObject({ has_secret: false, secret_destroyed_at: expect.any(String) })
  for (const path of ['codes.csv', 'sheets.pdf', 'sheets.zip', 'cards/1/qr.png']) {
    const answer = await download(id, path)
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      409,
      'batch.secret_destroyed',
    ])
  }
  expect((await cards.call('DELETE', `/batches/${id}/secret`)).body).toMatchObject({
    code: 'batch.secret_destroyed',
  })
  expect((await download(id, 'sheet-plan')).status).toBe(200)
})

test('the picture of a QR code is a PNG of one bit that a reader understands', async () => {
  const { id } = await cards.ready({ quantity: 2 })
  const line = (await (await download(id, 'codes.csv?from=2')).text()).trimEnd().split('\r\n').at(-1)
  const answer = await download(id, 'cards/2/qr.png?scale=3')
  expect(answer.headers.get('content-type')).toBe('image/png')
  const png = Buffer.from(await answer.arrayBuffer())
  const side = png.readUInt32BE(16)
  expect(png.subarray(24, 29)).toEqual(Buffer.from([1, 0, 0, 0, 0]))
  const length = png.readUInt32BE(33)
  const pixels = inflateSync(png.subarray(41, 41 + length))
  const stride = 1 + Math.ceil(side / 8)
  const isLight = (x: number, y: number) => ((pixels[y * stride + 1 + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1
  expect(decodeQR(bitmap(side, isLight))).toBe(line?.split(',')[2])
  expect(await lastExport(id)).toMatchObject({
    format: 'png',
    cards: 1,
    options: { from: 2, to: 2, scale: 3 },
  })
})

function bitmap(side: number, isLight: (x: number, y: number) => number) {
  const data = new Uint8Array(side * side * 4).fill(255)
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      data.fill(isLight(x, y) ? 255 : 0, (y * side + x) * 4, (y * side + x) * 4 + 3)
  return { width: side, height: side, data }
}

test('SVG sheets come as a ZIP, with each code as text and as vectors', async () => {
  const { id: template_id } = await cards.template({ name: '龙 & <凤>' })
  const { id } = await cards.ready({ quantity: 20, template_id })
  const bytes = Buffer.from(await (await download(id, 'sheets.zip?page=letter')).arrayBuffer())
  const files = unzip(bytes)
  expect([...files.keys()]).toEqual(['sheet-000001.svg', 'sheet-000002.svg', 'sheet-000003.svg'])
  const first = files.get('sheet-000001.svg')?.toString('utf8') ?? ''
  expect(first).toContain('width="215.9mm" height="279.4mm"')
  expect(first).toContain('龙 &amp; &lt;凤&gt;')
  const lines = (await (await download(id, 'codes.csv?bom=false')).text()).trimEnd().split('\r\n').slice(1)
  const [, code = '', url = ''] = lines[0]?.split(',') ?? []
  expect(first).toContain(code.slice(0, 9))
  expect(first).toContain(code.slice(10))
  const path = /<path transform[^>]* d="([^"]+)"/.exec(first)?.[1] ?? ''
  const matrix = qrMatrix(url).map(row => row.map(() => false))
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)/g))
    matrix[Number(y)]?.fill(true, Number(x), Number(x) + Number(length))
  const side = matrix.length + 2 * quietZone
  const scale = 3
  const isLight = (x: number, y: number) =>
    matrix[Math.floor(y / scale) - quietZone]?.[Math.floor(x / scale) - quietZone] ? 0 : 1
  expect(decodeQR(bitmap(side * scale, isLight))).toBe(url)
  expect(await lastExport(id)).toMatchObject({ format: 'csv' })
})

test('a PDF has a page for each sheet, and the codes as text', async () => {
  const { id: template_id } = await cards.template({ name: '舞龙 Dance' })
  const { id } = await cards.ready({ quantity: 20, template_id })
  const answer = await download(id, 'sheets.pdf')
  const bytes = new Uint8Array(await answer.arrayBuffer())
  expect(Buffer.from(bytes.subarray(0, 5)).toString()).toBe('%PDF-')
  const { totalPages, text } = await extractText(bytes)
  expect(totalPages).toBe(3)
  const lines = (await (await download(id, 'codes.csv?from=20')).text()).trimEnd().split('\r\n')
  const code = lines.at(-1)?.split(',')[1] ?? ''
  expect(text[2]).toContain(code.slice(0, 9))
  expect(text[2]).toContain('No. 20')
  const plan = (await cards.call<SheetPlan>('GET', `/batches/${id}/sheet-plan`)).body
  expect(plan).toMatchObject({
    columns: 2,
    rows: 4,
    sheets: 3,
    redeem_url: 'https://cards.example.com/redeem',
  })
  expect(plan.preview).toContain('0123-4567')
  expect(plan.preview).not.toContain(code.slice(0, 9))
  expect(plan.is_name_printable).toBe(true)
  expect(text[0]).toContain('舞龙')
})

test('more sheets than one PDF may hold come as PDFs in a ZIP, cut between sheets', async () => {
  const { id } = await cards.ready({ quantity: 5_020 })
  // Six on a sheet: 5,000 are no whole number of sheets.
  const sheets = 'card_height=80&show_name=false'
  const plan = (await cards.call<SheetPlan>('GET', `/batches/${id}/sheet-plan?${sheets}`)).body
  expect(plan).toMatchObject({ columns: 2, rows: 3, most_cards: 20_000, part_cards: 5_000 })
  const answer = await download(id, `sheets.zip?format=pdf&${sheets}`)
  const files = unzip(Buffer.from(await answer.arrayBuffer()))
  expect([...files.keys()]).toEqual(['cards-0000001-0004998.pdf', 'cards-0004999-0005020.pdf'])
  const last = files.get('cards-0004999-0005020.pdf') ?? Buffer.alloc(0)
  const { totalPages, text } = await extractText(new Uint8Array(last))
  expect(totalPages).toBe(4)
  expect(text[0]).toContain('No. 4999')
  expect(text[3]).toContain('No. 5020')
  expect(await lastExport(id)).toMatchObject({ format: 'pdf', state: 'finished', cards: 5_020 })
}, 120_000)

test('an archive may have more files than 65,535', async () => {
  async function* files() {
    for (let n = 0; n < 66_000; n++)
      yield { name: `${n}.txt`, content: Buffer.from(`file ${n}`), isPacked: n % 1_000 > 0 }
  }
  const pieces: Buffer[] = []
  for await (const piece of zip(files())) pieces.push(piece)
  const found = unzip(Buffer.concat(pieces))
  expect(found.size).toBe(66_000)
  expect(found.get('65999.txt')?.toString()).toBe('file 65999')
})

test('Chinese names are set in the font that comes with Banyan, unless the operator names another', async () => {
  const warnings: unknown[] = []
  const log = { ...app.core.log, warn: (...said: unknown[]) => warnings.push(said) } as Log
  const fontWith = (setting: string) => (name: string) => fontFor(name, { setting, log })
  expect(await fontWith('')('Dance é')).toBe('standard')
  const installed = (await fontWith('')('星光舞步')) as SheetFont
  expect(installed.path).toMatch(/NotoSansHans-Bold\.otf$/)
  const another = installed.path.replace('Bold', 'Light')
  expect(await fontWith(another)('舞')).toMatchObject({ path: another })
  expect(warnings).toEqual([])
  expect(await fontWith('/nowhere/font.ttf')('舞')).toEqual(installed)
  expect(await fontWith(fileURLToPath(import.meta.url))('舞')).toEqual(installed)
  expect(warnings).toHaveLength(2)
})

test('a name is left out where no font has its letters', async () => {
  expect(await fontFor('\u{10fffd}', { setting: '', log: app.core.log })).toBeNull()
})

const mm = (min: number, max: number) => fc.double({ min, max, noNaN: true })
const anyOptions = fc
  .record({
    page: fc.constantFrom('a4', 'letter', 'custom'),
    page_width: mm(20, 2000),
    page_height: mm(20, 2000),
    card_width: mm(20, 200),
    card_height: mm(20, 200),
    margin: mm(0, 30),
    gap: mm(0, 20),
    bleed: mm(0, 10),
  })
  .map(options => SheetOptions.parse(options))

test('cards with their bleed stay on the page and off each other, and crop marks off the cards', () => {
  fc.assert(
    fc.property(anyOptions, options => {
      let layout: ReturnType<typeof sheetLayout>
      try {
        layout = sheetLayout(options)
      } catch {
        return
      }
      const { card_width, card_height, bleed, margin } = options
      const boxes = layout.cards.map(({ x, y }) => ({
        left: x - bleed,
        right: x + card_width + bleed,
        top: y - bleed,
        bottom: y + card_height + bleed,
      }))
      const slack = 1e-3
      for (const { left, right, top, bottom } of boxes) {
        expect(Math.min(left, top)).toBeGreaterThan(margin - slack)
        expect(right).toBeLessThan(layout.width - margin + slack)
        expect(bottom).toBeLessThan(layout.height - margin + slack)
      }
      const [first, second] = boxes
      if (first && second && layout.columns > 1) expect(second.left).toBeGreaterThan(first.right - slack)
      for (const { from, to } of layout.marks)
        expect(
          boxes.some(
            box =>
              Math.max(from.x, to.x) > box.left + slack &&
              Math.min(from.x, to.x) < box.right - slack &&
              Math.max(from.y, to.y) > box.top + slack &&
              Math.min(from.y, to.y) < box.bottom - slack,
          ),
        ).toBe(false)
    }),
    { numRuns: 300 },
  )
})

test('what stands on a card stays on the card', () => {
  fc.assert(
    fc.property(
      anyOptions,
      fc.string({ unit: fc.constantFrom('龙', 'W', 'i', ' '), maxLength: 100 }),
      (options, name) => {
        const { qr, labels } = cardFace(options, { name, code: '0123-4567-89AB-CDEF', number: 1_000_000 })
        const { card_width, card_height } = options
        expect(qr.size).toBeGreaterThan(5)
        expect(Math.min(qr.x, qr.y)).toBeGreaterThan(0)
        expect(qr.x + qr.size).toBeLessThan(card_width)
        expect(qr.y + qr.size).toBeLessThan(card_height)
        for (const { x, y, size } of labels) {
          expect(x).toBeGreaterThan(0)
          expect(y).toBeLessThan(card_height)
          expect(y - size).toBeGreaterThan(-0.01)
        }
      },
    ),
    { numRuns: 300 },
  )
})
