import { z } from 'zod'
import { decodeCursor, pageFrom } from '#core/http/page.ts'
import type { Deps } from '../deps.ts'
import { listSignIns } from '../store/sign-ins.ts'
import { userCards } from '../store/users.ts'

export type SignInLog = ReturnType<typeof createSignInLog>

/** Who tried to sign in, when, from where, and whether it went well. */
export function createSignInLog({ db }: Pick<Deps, 'db'>) {
  async function page(userId: string | null, limit: number, cursor: string | undefined) {
    const before = decodeCursor(cursor, z.tuple([z.uuid()]))
    const rows = await listSignIns(db.primary, userId, before?.[0] ?? null, limit + 1)
    return pageFrom(rows, limit, row => [row.id])
  }
  return {
    ofUser: page,
    async ofAll(userId: string | undefined, limit: number, cursor: string | undefined) {
      const found = await page(userId ?? null, limit, cursor)
      const ids = [...new Set(found.items.flatMap(item => item.user_id ?? []))]
      const names = new Map((await userCards(db.primary, ids)).map(card => [card.id, card.username]))
      const items = found.items.map(item => ({
        ...item,
        username: item.user_id === null ? null : (names.get(item.user_id) ?? null),
      }))
      return { ...found, items }
    },
  }
}
