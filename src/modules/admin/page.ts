import { z } from 'zod'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'

/** A page of a list that is short enough to be in memory as a whole; the cursor is the last id. */
export function pageOfList<T extends { id: string }>(
  items: readonly T[],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Page<T> {
  const [after] = decodeCursor(cursor, z.tuple([z.string()])) ?? []
  const from = after === undefined ? 0 : items.findIndex(item => item.id === after) + 1
  return pageFrom(items.slice(from, from + limit + 1), limit, item => [item.id])
}
