import type { Readable } from 'node:stream'
import { sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { AppError, defineError, type Locale, translateError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { defineJob, type JobContext, type Jobs } from '#core/jobs/jobs.ts'
import type { Secrets } from '#core/security/secrets.ts'
import type { Storage } from '#core/storage/storage.ts'
import { batchNotFound } from './catalogue.ts'
import { insertDevices } from './import-devices.ts'
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
  en: 'The file lists no devices.',
  'zh-CN': '文件中没有设备。',
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
/** When a job looks after such a file: long after its sender has the answer, unless this process died meanwhile. */
const rescueAfter_ms = 60_000
const chunkLines = 1000
const keptProblems = 1000
const open = ['queued', 'running'] as const

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

  async function read(key: string): Promise<Readable> {
    const file = await storage.get(key)
    if (!file) throw importNotFound()
    return file.stream
  }

  /** Reads the file from where the last attempt stopped: each thousand lines are one transaction with their count. */
  async function run(id: string, { signal, progress }: Progress): Promise<void> {
    const row = await findRow(id)
    if (!row?.storage_key) return
    if (open.some(state => state === row.state))
      try {
        await takeIn(row.storage_key, { id, batch_id: row.batch_id, size: row.size, signal, progress })
        await finish(id, null)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        await finish(id, error.code)
      }
    await removeFile(id, row.storage_key)
  }

  /** The row forgets the file once it is gone, not before: it may hold keys. */
  async function removeFile(id: string, storage_key: string) {
    await storage.delete(storage_key)
    await db.primary.updateTable('devices_import').set({ storage_key: null }).where('id', '=', id).execute()
  }

  async function takeIn(
    key: string,
    { id, batch_id, size, signal, progress }: { id: string; batch_id: string; size: number } & Progress,
  ) {
    const encoding = size === 0 ? null : await findEncoding(await read(key))
    if (size === 0) throw importEmpty()
    if (!encoding) throw importNotText()
    const batch = await db.primary
      .updateTable('devices_import')
      .from('devices_batch')
      .set({ state: 'running', encoding })
      .where('devices_import.id', '=', id)
      .where('devices_import.state', 'in', open)
      .whereRef('devices_batch.id', '=', 'devices_import.batch_id')
      .returning(['type_id', 'requires_proof', 'serial_from', 'serial_to', 'lines_done'])
      .executeTakeFirst()
    if (!batch) return
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
    let isEmpty = true
    let line = 0
    let done = batch.lines_done
    let lines: [number, string][] = []
    const flush = async (layout: Layout) => {
      await takeChunk(target, layout, lines, { from: done, to: line })
      done = line
      lines = []
      await progress(Math.min(1, bytes / size))
    }
    for await (const text of linesOf(counted(await read(key)), encoding)) {
      line++
      if (!layout) {
        if (text.trim() === '') continue
        layout = layoutOf(text)
        if (layout.hasHeader) continue
      }
      if (text.trim() !== '') isEmpty = false
      if (line > done) lines.push([line, text])
      if (lines.length >= chunkLines) await flush(layout)
    }
    if (!layout || isEmpty) throw importEmpty()
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
      const refused = await insertDevices(tx, secrets, target, rows)
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

  /** Does nothing to one that has ended already. */
  async function finish(id: string, error_code: string | null) {
    await db.primary
      .updateTable('devices_import')
      .set({
        state: error_code === null ? 'done' : 'failed',
        error_code,
        finished_at: new Date(clock.now()).toISOString(),
      })
      .where('id', '=', id)
      .where('state', 'in', open)
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
      // Before the file, which may hold keys: none is ever left without a row by which it is found and removed.
      await db.primary
        .insertInto('devices_import')
        .values({
          id,
          batch_id,
          user_id: actor.user_id,
          file_name: file.name.slice(0, 200),
          size: 0,
          storage_key,
          encoding: null,
          state: 'queued',
          problems: '[]',
          error_code: null,
          job_id: null,
          finished_at: null,
        })
        .execute()
      const { size } = await storage
        .put(storage_key, file.content, { media_type: 'text/csv', max_bytes, signal })
        .catch(async error => {
          await db.primary.deleteFrom('devices_import').where('id', '=', id).execute()
          throw error
        })
      const isSmall = size <= atOnceBytes
      await db.transaction(async tx => {
        const job_id = await deps.jobs.add(
          tx,
          job,
          { import_id: id },
          {
            owner_id: actor.user_id,
            ...(isSmall ? { run_at: new Date(clock.now() + rescueAfter_ms) } : {}),
          },
        )
        await tx
          .updateTable('devices_import')
          .set({ size, job_id: isSmall ? null : job_id })
          .where('id', '=', id)
          .execute()
      })
      // The sender may go away, or the database: what is left is the job's.
      if (isSmall) await run(id, { signal, progress: async () => {} }).catch(() => undefined)
      return view(id, actor.locale)
    },

    /** @throws AppError `device_import.not_found` */
    read: ({ locale }: Actor, id: string): Promise<ImportView> => view(id, locale),

    /** Ends imports that nobody finished in two days, and removes files that were left; up to `limit`. */
    async removeStale(limit: number): Promise<number> {
      const rows = await db.primary
        .selectFrom('devices_import')
        .select(['id', 'storage_key'])
        .where('storage_key', 'is not', null)
        .where('created_at', '<', new Date(clock.now() - 2 * 86_400_000).toISOString())
        .limit(limit)
        .execute()
      for (const { id, storage_key } of rows) {
        await finish(id, importLost().code)
        if (storage_key !== null) await removeFile(id, storage_key)
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
