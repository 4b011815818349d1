import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { isId, newId } from '#core/ids.ts'
import type { Pcm } from '#core/speech/types.ts'
import type { ByteRange, Storage, StoredFile } from '#core/storage/storage.ts'
import type { Cards } from '#modules/cards/contract.ts'
import { maxDanceBytes, mediaTypeOf } from './media-file.ts'
import { type MediaFields, type MediaRow, mediaStore } from './media-store.ts'
import type { MediaKind, MediaTables } from './media-tables.ts'
import { readWavStream, wavDuration } from './wav-stream.ts'

/** Music or a dance of the library. */
export const MediaItem = z
  .object({
    id: z.uuid(),
    kind: z.enum(['music', 'dance']),
    title: z.string(),
    artist: z.string(),
    style: z.string(),
    description: z.string(),
    duration_ms: z.int().nullable().describe('Null: not known.'),
    template_id: z.uuid().nullable().describe('The card that unlocks it. Null: it is for everybody.'),
    media_type: z.string(),
    size: z.int().describe('Bytes.'),
    is_unlocked: z.boolean().describe('Whether it is for everybody, or for the caller by a card.'),
    created_at: z.string(),
  })
  .meta({ id: 'DeviceMediaItem' })
export type MediaItem = z.output<typeof MediaItem>

/** Of those who keep the library. */
export const manage = 'devices.media.manage'

export const mediaNotFound = defineError({
  code: 'media.not_found',
  status: 404,
  en: 'There is no such piece in the library.',
  'zh-CN': '曲库中没有这个内容。',
})
const mediaLocked = defineError({
  code: 'media.locked',
  status: 403,
  en: '“{title}” is unlocked by a card. Redeem it first.',
  'zh-CN': '“{title}”需要先兑换对应的卡片解锁。',
})
const typeRefused = defineError({
  code: 'media.type_refused',
  status: 415,
  en: 'Music must be a WAV, MP3, Ogg or FLAC file, and a dance one JSON object of at most 1 MB.',
  'zh-CN': '音乐须为 WAV、MP3、Ogg 或 FLAC 文件，舞蹈须为不超过 1 MB 的 JSON 对象。',
})
const notDecodable = defineError({
  code: 'media.not_decodable',
  status: 422,
  en: 'Only WAV files can be sent to this device as sound. Upload “{title}” as WAV.',
  'zh-CN': '只有 WAV 文件能以声音形式发送到这台设备，请以 WAV 格式重新上传“{title}”。',
})

/** Bytes by which a file shows what it is. */
const startBytes = 64 * 1024

/**
 * Where music and dances come from. The built-in provider holds files that operators have uploaded (`createLibrary`);
 * another one would search somebody's catalogue.
 */
export type MediaProvider = {
  search(kind: MediaKind | undefined, query: string | undefined, limit: number): Promise<MediaRow[]>
  find(id: string): Promise<MediaRow | undefined>
  open(row: MediaRow, range?: ByteRange): Promise<StoredFile | null>
}

export type MediaLibrary = ReturnType<typeof createMediaLibrary>

/** A piece, and a way to its file, whole or in part. `open` throws `media.not_found`, `storage.range_invalid`. */
export type MediaFile = { item: MediaItem; open(range?: ByteRange): Promise<StoredFile> }

/** The library of music and dances: what operators put in, and what users may play. */
export function createMediaLibrary(deps: { db: Db; storage: Storage; cards: Pick<Cards, 'itemsOf'> }) {
  const { storage, cards } = deps
  const db = deps.db.withTables<MediaTables>()

  const provider: MediaProvider = {
    search: (kind, query, limit) => mediaStore.list(db.primary, { kind, q: query }, limit, null),
    find: async id => (isId(id) ? mediaStore.find(db.primary, id) : undefined),
    open: (row, range) => storage.get(row.storage_key, range),
  }

  /** The cards of a user, as the templates that they were made from. */
  async function owned(userId: string): Promise<Set<string>> {
    return new Set((await cards.itemsOf(userId)).map(item => item.template_id))
  }

  const isFor = (row: MediaRow, templates: ReadonlySet<string>): boolean =>
    row.template_id === null || templates.has(row.template_id)

  /** @throws AppError `media.not_found` */
  async function row(id: string): Promise<MediaRow> {
    const found = await provider.find(id)
    if (!found) throw mediaNotFound()
    return found
  }

  /** @throws AppError `media.not_found`, `media.locked` */
  async function unlocked(userId: string, id: string): Promise<MediaRow> {
    const found = await row(id)
    if (!isFor(found, await owned(userId))) throw mediaLocked({ title: found.title })
    return found
  }

  const fileOf = (found: MediaRow): MediaFile => ({
    item: view(found, true),
    async open(range) {
      const file = await provider.open(found, range)
      if (!file) throw mediaNotFound()
      return file
    },
  })

  /** What its bytes are; a music file is known by its beginning, a dance is read whole. */
  async function examine(kind: MediaKind, storage_key: string, size: number) {
    if (size === 0 || (kind === 'dance' && size > maxDanceBytes)) throw typeRefused()
    const end = (kind === 'dance' ? size : Math.min(size, startBytes)) - 1
    const file = await storage.get(storage_key, { start: 0, end })
    const start = file ? await buffer(file.stream) : Buffer.alloc(0)
    const media_type = mediaTypeOf(kind, start)
    if (!media_type) throw typeRefused()
    return { media_type, ...(media_type === 'audio/wav' ? { duration_ms: wavDuration(start, size) } : {}) }
  }

  return {
    /** The newest first, or what fits the words; each with whether this user may play it. */
    async list(
      actor: { user_id: string },
      query: {
        kind?: MediaKind | undefined
        q?: string | undefined
        limit: number
        cursor?: string | undefined
      },
    ): Promise<Page<MediaItem>> {
      const [after = null] = decodeCursor(query.cursor, z.tuple([z.uuid()])) ?? []
      const [rows, templates] = await Promise.all([
        mediaStore.list(db.primary, query, query.limit + 1, after),
        owned(actor.user_id),
      ])
      const page = pageFrom(rows, query.limit, each => [each.id])
      return { ...page, items: page.items.map(each => view(each, isFor(each, templates))) }
    },

    /** @throws AppError `media.not_found` */
    async read(actor: { user_id: string }, id: string): Promise<MediaItem> {
      const found = await row(id)
      return view(found, isFor(found, await owned(actor.user_id)))
    },

    /** @throws AppError `media.type_refused`, `storage.too_large` */
    async upload(
      actor: { user_id: string },
      input: MediaFields & { kind: MediaKind; title: string },
      file: { content: Readable; max_bytes: number; signal: AbortSignal },
    ): Promise<MediaItem> {
      const id = newId()
      const storage_key = `devices/media/${id}`
      const { content, ...limits } = file
      const media_type = 'application/octet-stream'
      const { size } = await storage.put(storage_key, content, { media_type, ...limits })
      try {
        const known = await examine(input.kind, storage_key, size)
        const stored = await mediaStore.insert(db.primary, { ...input, ...known, id, size, storage_key })
        return view(stored, isFor(stored, await owned(actor.user_id)))
      } catch (error) {
        await storage.delete(storage_key)
        throw error
      }
    },

    /** @throws AppError `media.not_found` */
    async update(actor: { user_id: string }, id: string, fields: MediaFields): Promise<MediaItem> {
      const stored = await mediaStore.update(db.primary, id, fields)
      if (!stored) throw mediaNotFound()
      return view(stored, isFor(stored, await owned(actor.user_id)))
    },

    /** @throws AppError `media.not_found` */
    async remove(id: string): Promise<void> {
      const found = await row(id)
      await mediaStore.remove(db.primary, id)
      await storage.delete(found.storage_key)
    },

    /** The file, for those who may play it or keep the library. @throws AppError `media.*` */
    async content(actor: Pick<Actor, 'user_id' | 'permissions'>, id: string): Promise<MediaFile> {
      const found = actor.permissions.has(manage) ? await row(id) : await unlocked(actor.user_id, id)
      return fileOf(found)
    },

    /** The file behind an address, which whoever holds it may read. @throws AppError `media.not_found` */
    async file(id: string | null): Promise<MediaFile> {
      if (id === null) throw mediaNotFound()
      return fileOf(await row(id))
    },

    /** By id, or the first that fits the words, unlocked ones before others. @throws AppError `media.*` */
    async pick(
      userId: string,
      kind: MediaKind,
      wanted: { id?: string | undefined; query?: string | undefined },
    ): Promise<MediaItem> {
      if (wanted.id !== undefined) {
        const found = await unlocked(userId, wanted.id)
        if (found.kind !== kind) throw mediaNotFound()
        return view(found, true)
      }
      const [rows, templates] = await Promise.all([provider.search(kind, wanted.query, 20), owned(userId)])
      const open = rows.find(each => isFor(each, templates))
      if (open) return view(open, true)
      const [locked] = rows
      throw locked ? mediaLocked({ title: locked.title }) : mediaNotFound()
    },

    /**
     * A piece of music as sound, while it is read, for devices that take nothing else.
     * @throws AppError `media.not_found`, `media.not_decodable` for what is no WAV; `speech.bad_audio` while it is read
     */
    async openTrack(id: string, { sample_rate }: { sample_rate: number }): Promise<AsyncGenerator<Pcm>> {
      const found = await row(id)
      if (found.kind !== 'music') throw mediaNotFound()
      if (found.media_type !== 'audio/wav') throw notDecodable({ title: found.title })
      const file = await fileOf(found).open()
      return readWavStream(file.stream as AsyncIterable<Buffer>, sample_rate)
    },
  }
}

const view = (
  { storage_key: _, updated_at: __, search: ___, ...item }: MediaRow,
  is_unlocked: boolean,
): MediaItem => ({ ...item, is_unlocked })
