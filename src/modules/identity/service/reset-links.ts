import type { Kysely } from 'kysely'
import { newToken } from '#core/ids.ts'
import { hashToken } from '#core/security/tokens.ts'
import { type Deps, hour, timeOf } from '../deps.ts'
import { resetMail } from '../mails.ts'
import { countOneTimeTokens, insertOneTimeToken } from '../store/sessions.ts'
import { lockUser, type UserRow } from '../store/users.ts'
import type { IdentityTables } from '../tables.ts'

/** Links that strangers can have mailed to somebody before the oldest must lapse. */
const openLinks = 3

export type ResetLinks = ReturnType<typeof createResetLinks>

/** Password reset links: valid for an hour, once, and until the password changes. */
export function createResetLinks({ db, clock, mail, publicUrl }: Deps) {
  async function make(tx: Kysely<IdentityTables>, userId: string): Promise<string> {
    const token = newToken()
    await insertOneTimeToken(tx, {
      token_hash: hashToken(token),
      user_id: userId,
      purpose: 'password_reset',
      expires_at: timeOf(clock, hour),
    })
    return `${publicUrl}/reset-password#token=${token}`
  }

  return {
    /**
     * What strangers may ask for: a link to the user's address, at most three an hour. Without a mail server it
     * lands on the administrators' mailbox page.
     */
    async request(userId: string): Promise<void> {
      await db.transaction(async tx => {
        const user = await lockUser(tx, userId)
        if (!user?.is_active || user.email === null) return
        const open = await countOneTimeTokens(tx, userId, 'password_reset', timeOf(clock))
        if (open >= openLinks) return
        await mail.send(tx, { to: user.email, ...resetMail(user, await make(tx, userId)) })
      })
    },

    /** For an administrator: by mail, or handed out where no mail would reach the user. */
    async give(user: UserRow): Promise<{ sent: boolean; link: string | null }> {
      return db.transaction(async tx => {
        const link = await make(tx, user.id)
        if (user.email === null || !mail.delivers) return { sent: false, link }
        await mail.send(tx, { to: user.email, ...resetMail(user, link) })
        return { sent: true, link: null }
      })
    },
  }
}
