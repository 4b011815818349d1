import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Storage, StoredFile } from '#core/storage/storage.ts'
import type { cardsSettings } from './config.ts'
import { fileEmpty, fileNotFound, fileTooLarge, fileTypeRefused } from './errors.ts'
import type { RedemptionTables } from './redemption-tables.ts'

/** A picture or a piece of music that templates show and play. */
export const CardFile = z
  .object({
    id: z.uuid(),
    kind: z.enum(['image', 'audio']),
    name: z.string(),
    media_type: z.string(),
    size: z.int().describe('Bytes.'),
    created_at: z.string(),
  })
  .meta({ id: 'CardsFile' })
export type CardFile = z.output<typeof CardFile>

export const megabyte = 1024 * 1024
const day_ms = 86_400_000
const sweepBatch = 50

/** What a file may be, by its bytes; what its media type is called where players look at it. */
const kinds: Record<string, { kind: CardFile['kind']; media_type?: string }> = {
  'image/png': { kind: 'image' },
  'image/jpeg': { kind: 'image' },
  'image/webp': { kind: 'image' },
  'audio/mpeg': { kind: 'audio' },
  'audio/x-m4a': { kind: 'audio', media_type: 'audio/mp4' },
  'audio/mp4': { kind: 'audio' },
  'audio/ogg': { kind: 'audio' },
  'audio/ogg; codecs=opus': { kind: 'audio', media_type: 'audio/ogg' },
  'audio/flac': { kind: 'audio' },
  'audio/wav': { kind: 'audio' },
}

const columns = ['id', 'kind', 'name', 'media_type', 'size', 'created_at'] as const

export type Files = ReturnType<typeof createFiles>

export function createFiles(deps: { db: Db; storage: Storage; settings: Settings<typeof cardsSettings> }) {
  const { storage, settings } = deps
  const db = deps.db.withTables<RedemptionTables>()

  return {
    /** Largest upload of any kind, in bytes. */
    largest: () => Math.max(settings.CARDS_IMAGE_MAX_MB, settings.CARDS_AUDIO_MAX_MB) * megabyte,

    /**
     * Keeps a file, for a template to name within a day. Its bytes say what it is, not its name.
     * @throws AppError `card_file.*`
     */
    async add(given: { name: string; bytes: Buffer; truncated: boolean }): Promise<CardFile> {
      const { bytes } = given
      if (bytes.length === 0) throw fileEmpty()
      const { fileTypeFromBuffer } = await import('file-type')
      const type = await fileTypeFromBuffer(bytes)
      const found = kinds[type?.mime ?? '']
      if (!type || !found) throw fileTypeRefused()
      const { kind, media_type = type.mime } = found
      const limit_mb = kind === 'image' ? settings.CARDS_IMAGE_MAX_MB : settings.CARDS_AUDIO_MAX_MB
      if (given.truncated || bytes.length > limit_mb * megabyte) throw fileTooLarge({ limit_mb })
      const id = newId()
      const name = [...given.name.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}/\\]/gu, '')]
        .slice(0, 100)
        .join('')
        .trim()
      const storage_key = `cards/files/${id}`
      // The row first: a file without one would never be found again, a row without its file is swept.
      const row = await db.primary
        .insertInto('cards_file')
        .values({ id, kind, name: name || kind, media_type, size: bytes.length, storage_key })
        .returning(columns)
        .executeTakeFirstOrThrow()
      await storage.put(storage_key, bytes, { media_type })
      return row
    },

    /**
     * A file of a template. People who only use cards see pictures of templates that were published, and hear the
     * audio of items that they own.
     * @throws AppError `card_file.not_found`
     */
    async open(actor: Actor, id: string): Promise<{ file: CardFile; stored: StoredFile }> {
      const row = await db.primary
        .selectFrom('cards_file')
        .select([...columns, 'storage_key'])
        .where('id', '=', id)
        .executeTakeFirst()
      if (!row) throw fileNotFound()
      const maySee =
        actor.permissions.has('cards.templates.manage') ||
        (row.kind === 'image'
          ? await isPublished(db.primary, id)
          : await isOwned(db.primary, id, actor.user_id))
      const stored = maySee ? await storage.get(row.storage_key) : null
      if (!stored) throw fileNotFound()
      const { storage_key: _, ...file } = row
      return { file, stored }
    },

    /** Removes files that no template took within a day. Returns how many, a batch at most. */
    sweep: (now: number): Promise<number> =>
      db.transaction(async tx => {
        const { rows } = await sql<{ storage_key: string }>`
          DELETE FROM cards_file WHERE id IN (
            SELECT f.id FROM cards_file f
            WHERE f.created_at < ${new Date(now - day_ms).toISOString()}
              AND NOT EXISTS (SELECT FROM cards_template_version v WHERE v.file_ids @> ARRAY[f.id])
            LIMIT ${sweepBatch} FOR UPDATE SKIP LOCKED
          ) RETURNING storage_key`.execute(tx)
        // If the process dies half-way the rows are still there, and their files are deleted again.
        for (const { storage_key } of rows) await storage.delete(storage_key)
        return rows.length
      }),
    sweepBatch,
  }
}

async function isPublished(db: Kysely<RedemptionTables>, fileId: string): Promise<boolean> {
  const found = await db
    .selectFrom('cards_template_version as v')
    .innerJoin('cards_template as t', 't.id', 'v.template_id')
    .select('t.id')
    .where(sql<boolean>`v.file_ids @> ARRAY[${fileId}::uuid]`)
    .where('t.state', '!=', 'draft')
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

async function isOwned(db: Kysely<RedemptionTables>, fileId: string, userId: string): Promise<boolean> {
  const found = await db
    .selectFrom('cards_redemption as r')
    .innerJoin('cards_template_version as v', join =>
      join.onRef('v.template_id', '=', 'r.template_id').onRef('v.version', '=', 'r.template_version'),
    )
    .select('r.id')
    .where('r.user_id', '=', userId)
    .where('r.undone_at', 'is', null)
    .where(sql<boolean>`v.file_ids @> ARRAY[${fileId}::uuid]`)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}
