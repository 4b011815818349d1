import type { Readable } from 'node:stream'
import { sql, type Transaction } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { AppError, defineError, type Locale, translateError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { defineJob, type JobContext, type Jobs } from '#core/jobs/jobs.ts'
import type { Secrets } from '#core/security/secrets.ts'
import type { Storage } from '#core/storage/storage.ts'
import { proofContext } from './activation.ts'
import { batchNotFound } from './catalogue.ts'
import {
  findEncoding,
  type ImportRow,
  type Layout,
  layoutOf,
  linesOf,
  type ProblemCode,
  problemTexts,
  type RowProblem,
  type RowRules,
  readRow,
} from './import-file.ts'
import type { DevicesTables } from './tables.ts'
import type { ImportView } from './views.ts'

const importNotFound = defineError({
  code: 'device_import.not_found',
  status: 404,
  en: 'There is no such import.',
  'zh-CN': '没有这次导入。',
})
const importEmpty = defineError({
  code: 'device_import.empty',
  status: 422,
  en: 'The file is empty.',
  'zh-CN': '文件是空的。',
})
const importNotText = defineError({
  code: 'device_import.not_csv',
  status: 422,
  en: 'This is no CSV file. Save the list as “CSV UTF-8” and try again.',
  'zh-CN': '这不是 CSV 文件。请将列表另存为“CSV UTF-8”后再试。',
})
const importLost = defineError({
  code: 'device_import.lost',
  status: 500,
  en: 'The import could not be finished. What it had taken in stays; import the list again.',
  'zh-CN': '导入未能完成，已导入的设备会保留，请重新导入清单。',
})
const wholeFileErrors = [importEmpty, importNotText, importLost]

/** Smaller files are read while their sender waits. */
const atOnceBytes = 200_000
const chunkLines = 1000
const keptProblems = 1000

type Tx = Transaction<DevicesTables>
type Progress = Pick<JobContext, 'signal' | 'progress'>

export type Imports = ReturnType<typeof createImports>

/** Takes in the lists that factories send with a batch. */
export function createImports(deps: {
  db: Db
  clock: Clock
  jobs: Jobs
  storage: Storage
  secrets: Secrets
}) {
  const { storage, secrets, clock } = deps
  const db = deps.db.withTables<DevicesTables>()

  const job = defineJob({
    name: 'devices.import_batch',
    schema: z.object({ import_id: z.uuid() }),
    timeout_ms: 2 * 60 * 60_000,
    run: ({ import_id }, context) => run(import_id, context),
  })

  const findRow = (id: string) =>
    db.primary.selectFrom('devices_import').selectAll().where('id', '=', id).executeTakeFirst()

  async function view(id: string, locale: Locale): Promise<ImportView> {
    const row = await findRow(id)
    if (!row) throw importNotFound()
    const { storage_key: _, user_id: __, problems, error_code, ...rest } = row
    const failure = wholeFileErrors.find(make => make().code === error_code)
    return {
      ...rest,
      error: failure ? translateError(failure(), locale) : null,
      problems: problems.map(problem => ({
        ...problem,
        detail: problemTexts[problem.code as ProblemCode]?.[locale] ?? problem.code,
      })),
    }
  }

  async function open(key: string): Promise<Readable> {
    const file = await storage.get(key)
    if (!file) throw importNotFound()
    return file.stream
  }

  /** Reads the file from where the last attempt stopped: each thousand lines are one transaction with their count. */
  async function run(id: string, { signal, progress }: Progress): Promise<void> {
    const row = await findRow(id)
    if (!row?.storage_key || row.state === 'done' || row.state === 'failed') return
    try {
      await takeIn(row.storage_key, { id, batch_id: row.batch_id, size: row.size, signal, progress })
      await finish(id, null)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      await finish(id, error.code)
    }
    await storage.delete(row.storage_key)
  }

  async function takeIn(
    key: string,
    { id, batch_id, size, signal, progress }: { id: string; batch_id: string; size: number } & Progress,
  ) {
    const encoding = size === 0 ? null : await findEncoding(await open(key))
    if (size === 0) throw importEmpty()
    if (!encoding) throw importNotText()
    const batch = await db.primary
      .updateTable('devices_import')
      .from('devices_batch')
      .set({ state: 'running', encoding })
      .where('devices_import.id', '=', id)
      .whereRef('devices_batch.id', '=', 'devices_import.batch_id')
      .returning(['type_id', 'requires_proof', 'serial_from', 'serial_to', 'lines_done'])
      .executeTakeFirstOrThrow()
    const target = { import_id: id, batch_id, type_id: batch.type_id, rules: batch }
    let bytes = 0
    async function* counted(stream: Readable) {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        signal.throwIfAborted()
        bytes += chunk.length
        yield chunk
      }
    }
    let layout: Layout | null = null
    let line = 0
    let done = batch.lines_done
    let lines: [number, string][] = []
    const flush = async (layout: Layout) => {
      await takeChunk(target, layout, lines, { from: done, to: line })
      done = line
      lines = []
      await progress(Math.min(1, bytes / size))
    }
    for await (const text of linesOf(counted(await open(key)), encoding)) {
      line++
      if (!layout) {
        layout = layoutOf(text)
        if (layout.hasHeader) continue
      }
      if (line > done) lines.push([line, text])
      if (lines.length >= chunkLines) await flush(layout)
    }
    if (!layout) throw importEmpty()
    if (line > done) await flush(layout)
  }

  type Target = { import_id: string; batch_id: string; type_id: string; rules: RowRules }

  async function takeChunk(
    target: Target,
    layout: Layout,
    lines: readonly [number, string][],
    { from, to }: { from: number; to: number },
  ) {
    const rows: ImportRow[] = []
    const problems: RowProblem[] = []
    for (const [line, text] of lines) {
      const row = readRow(text, line, layout, target.rules)
      if (row && 'code' in row) problems.push(row)
      else if (row) rows.push(row)
    }
    await db.transaction(async tx => {
      const refused = await insertDevices(tx, target, rows)
      const all = [...problems, ...refused].sort((a, b) => a.line - b.line)
      const { numUpdatedRows } = await tx
        .updateTable('devices_import')
        .set({
          lines_done: to,
          added: sql`added + ${rows.length - refused.length}`,
          refused: sql`refused + ${all.length}`,
          problems: sql`CASE WHEN jsonb_array_length(problems) >= ${keptProblems} THEN problems
            ELSE problems || ${JSON.stringify(all.slice(0, keptProblems))}::jsonb END`,
        })
        .where('id', '=', target.import_id)
        // Another process has taken over, and these lines with it.
        .where('lines_done', '=', from)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw new Error('another attempt reads this import')
    })
  }

  /** Stores the devices that are new, and returns the others. A device that came in unlisted is taken into the batch. */
  async function insertDevices(tx: Tx, target: Target, rows: readonly ImportRow[]): Promise<RowProblem[]> {
    const refused: RowProblem[] = []
    const refuse = (row: ImportRow, code: ProblemCode, value: string) =>
      refused.push({ line: row.line, value, code })
    const known = await knownDevices(tx, rows)
    const seen = new Set<string>()
    const fresh: ImportRow[] = []
    for (const row of rows) {
      const sameMac = known.macs.get(row.mac)
      const sameSerial = row.serial === null ? undefined : known.serials.get(row.serial)
      if (seen.has(row.mac)) refuse(row, 'mac_repeated', row.mac)
      else if (row.serial !== null && seen.has(row.serial)) refuse(row, 'serial_repeated', row.serial)
      else if (sameMac && sameMac.batch_id !== null)
        refuse(row, sameMac.batch_id === target.batch_id ? 'mac_in_batch' : 'mac_taken', row.mac)
      else if (sameSerial && sameSerial !== row.mac) refuse(row, 'serial_taken', row.serial ?? '')
      else fresh.push(row)
      seen.add(row.mac)
      if (row.serial !== null) seen.add(row.serial)
    }
    if (fresh.length === 0) return refused
    const records = fresh.map(row => {
      const id = known.macs.get(row.mac)?.id ?? newId()
      return {
        id,
        mac: row.mac,
        serial: row.serial,
        key: row.proof_key === null ? null : secrets.encrypt(row.proof_key, proofContext(id)),
      }
    })
    const { rows: stored } = await sql<{ mac: string }>`
      INSERT INTO devices_device (id, type_id, batch_id, mac, serial, state, proof_key_sealed)
      SELECT id, ${target.type_id}, ${target.batch_id}, mac, serial, 'produced', key
      FROM jsonb_to_recordset(${JSON.stringify(records)}::jsonb)
        AS given (id uuid, mac text, serial text, key text)
      ORDER BY mac
      ON CONFLICT (mac) DO UPDATE SET
        batch_id = excluded.batch_id, type_id = excluded.type_id, serial = excluded.serial,
        proof_key_sealed = excluded.proof_key_sealed, approval = 'approved'
      WHERE devices_device.batch_id IS NULL
      RETURNING mac`.execute(tx)
    const isStored = new Set(stored.map(row => row.mac))
    for (const row of fresh) if (!isStored.has(row.mac)) refuse(row, 'mac_taken', row.mac)
    return refused
  }

  async function finish(id: string, error_code: string | null) {
    await db.primary
      .updateTable('devices_import')
      .set({
        state: error_code === null ? 'done' : 'failed',
        error_code,
        storage_key: null,
        finished_at: new Date(clock.now()).toISOString(),
      })
      .where('id', '=', id)
      .execute()
  }

  return {
    job,

    /**
     * Takes a file in. A small one is read at once; a large one by a job, whose id comes back.
     * @throws AppError `device_batch.not_found`, `storage.too_large`
     */
    async start(
      actor: Actor,
      batch_id: string,
      file: { name: string; content: Readable; max_bytes: number; signal: AbortSignal },
    ): Promise<ImportView> {
      const batch = await db.primary
        .selectFrom('devices_batch')
        .select('id')
        .where('id', '=', batch_id)
        .executeTakeFirst()
      if (!batch) throw batchNotFound()
      const id = newId()
      const storage_key = `devices/imports/${id}`
      const { max_bytes, signal } = file
      const { size } = await storage.put(storage_key, file.content, {
        media_type: 'text/csv',
        max_bytes,
        signal,
      })
      await db.transaction(async tx => {
        await tx
          .insertInto('devices_import')
          .values({
            id,
            batch_id,
            user_id: actor.user_id,
            file_name: file.name.slice(0, 200),
            size,
            storage_key,
            encoding: null,
            state: 'queued',
            problems: '[]',
            error_code: null,
            job_id: null,
            finished_at: null,
          })
          .execute()
        if (size <= atOnceBytes) return
        const job_id = await deps.jobs.add(tx, job, { import_id: id }, { owner_id: actor.user_id })
        await tx.updateTable('devices_import').set({ job_id }).where('id', '=', id).execute()
      })
      if (size <= atOnceBytes)
        await run(id, { signal, progress: async () => {} }).catch(async () => {
          // The sender went away, or the database did: what is left is the job's.
          await deps.jobs.add(db.primary, job, { import_id: id }, { owner_id: actor.user_id })
        })
      return view(id, actor.locale)
    },

    /** @throws AppError `device_import.not_found` */
    read: ({ locale }: Actor, id: string): Promise<ImportView> => view(id, locale),

    /** Ends imports that nobody finished in two days, with their files, which may hold keys; up to `limit`. */
    async removeStale(limit: number): Promise<number> {
      const rows = await db.primary
        .selectFrom('devices_import')
        .select(['id', 'storage_key'])
        .where('storage_key', 'is not', null)
        .where('created_at', '<', new Date(clock.now() - 2 * 86_400_000).toISOString())
        .limit(limit)
        .execute()
      for (const { id, storage_key } of rows) {
        if (storage_key !== null) await storage.delete(storage_key)
        await finish(id, importLost().code)
      }
      return rows.length
    },

    /** The last fifty of a batch, without their problems. */
    async list({ locale }: Actor, batch_id: string): Promise<ImportView[]> {
      const rows = await db.primary
        .selectFrom('devices_import')
        .select('id')
        .where('batch_id', '=', batch_id)
        .orderBy('id', 'desc')
        .limit(50)
        .execute()
      const views = await Promise.all(rows.map(row => view(row.id, locale)))
      return views.map(one => ({ ...one, problems: [] }))
    },
  }
}

async function knownDevices(tx: Tx, rows: readonly ImportRow[]) {
  const found = await tx
    .selectFrom('devices_device')
    .select(['id', 'mac', 'serial', 'batch_id'])
    .where(eb =>
      eb.or([
        eb('mac', '=', sql<string>`ANY(${rows.map(row => row.mac)}::text[])`),
        eb(
          'serial',
          '=',
          sql<string>`ANY(${rows.map(row => row.serial).filter(serial => serial !== null)}::text[])`,
        ),
      ]),
    )
    .execute()
  return {
    macs: new Map(found.map(row => [row.mac, row])),
    serials: new Map(found.filter(row => row.serial !== null).map(row => [row.serial ?? '', row.mac])),
  }
}
