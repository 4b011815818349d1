import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { sampleSettings } from './config.ts'
import { type Item, ItemCreated, type Sample, titleTooLong } from './contract.ts'
import { type ItemRow, itemStore as store } from './store.ts'
import type { SampleTables } from './tables.ts'

export type SampleService = Sample & {
  /** @throws AppError `sample.title_too_long` */
  create(actor: Actor, input: { title: string }): Promise<Item>
  list(actor: Actor, query: { limit: number; cursor?: string | undefined }): Promise<Page<Item>>
}

const Cursor = z.tuple([z.uuid()])

export function createSampleService({
  db,
  events,
  settings,
}: {
  db: Db<SampleTables>
  events: Events
  settings: Settings<typeof sampleSettings>
}): SampleService {
  return {
    async create({ user_id }, { title }) {
      const limit = settings.SAMPLE_TITLE_MAX_CHARS
      if (title.length > limit) throw titleTooLong({ length: title.length, limit })
      const row = await db.transaction(async tx => {
        const item = await store.insert(tx, { id: newId(), user_id, title })
        await events.publish(tx, ItemCreated, { item_id: item.id, user_id })
        return item
      })
      return view(row)
    },
    async list({ user_id }, { limit, cursor }) {
      const [before] = decodeCursor(cursor, Cursor) ?? [null]
      const rows = await store.list(db.primary, { user_id, before, limit: limit + 1 })
      return pageFrom(rows.map(view), limit, item => [item.id])
    },
    async countItems(user_ids) {
      if (user_ids.length === 0) return new Map()
      const counts = await store.count(db.primary, user_ids)
      return new Map(counts.map(({ user_id, count }) => [user_id, count]))
    },
  }
}

const view = ({ user_id: _, ...item }: ItemRow): Item => item
