import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { folderNotFound } from './contract.ts'
import type { Live } from './live.ts'
import type { ChatTables } from './tables.ts'

/** A place for conversations; each is in one folder or in none. */
export const Folder = z
  .object({ id: z.uuid(), name: z.string(), position: z.int().describe('Lower ones come first.') })
  .meta({ id: 'Folder' })
export type Folder = z.output<typeof Folder>

const foldersTooMany = defineError({
  code: 'folder.too_many',
  status: 409,
  en: 'You have {limit} folders, and there is no room for more. Delete one first.',
  'zh-CN': '您已有 {limit} 个文件夹，达到上限，请先删除一个。',
})

export const maxFolders = 200
const columns = ['id', 'name', 'position'] as const

export type Folders = ReturnType<typeof createFolders>

/** A user's folders. Those of others do not exist for it: `folder.not_found`. */
export function createFolders(deps: { db: Db; live: Live }) {
  const db = deps.db.withTables<ChatTables>()
  return {
    list: (actor: Actor): Promise<Folder[]> => folderStore.list(db.primary, actor.user_id),

    /** Without a position it is the last. @throws AppError `folder.too_many` */
    async create(
      actor: Actor,
      { name, position }: { name: string; position?: number | undefined },
    ): Promise<Folder> {
      const folders = await folderStore.list(db.primary, actor.user_id)
      if (folders.length >= maxFolders) throw foldersTooMany({ limit: maxFolders })
      return folderStore.insert(db.primary, {
        id: newId(),
        user_id: actor.user_id,
        name,
        position: position ?? (folders.at(-1)?.position ?? -1) + 1,
      })
    },

    async update(
      actor: Actor,
      id: string,
      patch: { name?: string | undefined; position?: number | undefined },
    ): Promise<Folder> {
      const folder = await db.primary
        .updateTable('chat_folder')
        .set({
          name: patch.name ?? sql`name`,
          position: patch.position ?? sql`position`,
        })
        .where('id', '=', id)
        .where('user_id', '=', actor.user_id)
        .returning(columns)
        .executeTakeFirst()
      if (!folder) throw folderNotFound()
      return folder
    },

    /** The conversations in it move out. */
    async remove(actor: Actor, id: string): Promise<void> {
      const { numDeletedRows } = await db.primary
        .deleteFrom('chat_folder')
        .where('id', '=', id)
        .where('user_id', '=', actor.user_id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw folderNotFound()
      await deps.live.listChanged(actor.user_id)
    },
  }
}

export const folderStore = {
  list: (db: Kysely<ChatTables>, userId: string): Promise<Folder[]> =>
    db
      .selectFrom('chat_folder')
      .select(columns)
      .where('user_id', '=', userId)
      .orderBy('position')
      .orderBy('id')
      .execute(),

  insert: (db: Kysely<ChatTables>, row: Folder & { user_id: string }): Promise<Folder> =>
    db.insertInto('chat_folder').values(row).returning(columns).executeTakeFirstOrThrow(),
}
