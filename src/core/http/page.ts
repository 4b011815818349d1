import { z } from 'zod'
import { defineError } from '#core/errors.ts'

const invalidCursor = defineError({
  code: 'page.invalid_cursor',
  status: 400,
  en: 'The cursor is not one that this list gave out. Start again without it.',
  'zh-CN': '翻页标记无效，请从第一页重新开始。',
})

/** The query of every list: `?limit=&cursor=`. */
export const PageQuery = z.object({
  limit: z.int().min(1).max(100).default(20).describe('Items per page.'),
  cursor: z.string().max(500).optional().describe('`next_cursor` of the page before.'),
})

/** A page of a list. `next_cursor` is null on the last. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() })

export type Page<T> = { items: T[]; next_cursor: string | null }

/** Cursors are opaque to clients: the sort key of the last item, as base64url JSON. */
export const encodeCursor = (key: readonly (string | number | boolean | null)[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url')

/** A time in a cursor. The database knows no year 0. */
export const CursorTime = z.iso.datetime().refine(time => !time.startsWith('0000'))

/**
 * Reads a cursor back.
 * @throws AppError `page.invalid_cursor` when it is not of the given shape.
 */
export function decodeCursor<T>(cursor: string | undefined, shape: z.ZodType<T>): T | null {
  if (cursor === undefined) return null
  try {
    return shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
  } catch (error) {
    throw invalidCursor({}, { cause: error })
  }
}

/** Makes a page from `limit + 1` rows: the extra one tells whether there are more. */
export function pageFrom<T>(
  rows: T[],
  limit: number,
  keyOf: (row: T) => readonly (string | number | boolean | null)[],
): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, next_cursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null }
}
