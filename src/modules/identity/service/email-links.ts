import type { Kysely } from 'kysely'
import { isUniqueViolation } from '#core/db/db.ts'
import type { Actor } from '#core/http/route.ts'
import { newToken } from '#core/ids.ts'
import { hashToken } from '#core/security/tokens.ts'
import { type Deps, day, hour, timeOf } from '../deps.ts'
import { emailVerified, linkInvalid, nameTaken, tooManyMails, userNotFound } from '../errors.ts'
import { emailChangedMail, emailLinkMail } from '../mails.ts'
import {
  countOneTimeTokens,
  deleteOneTimeTokens,
  insertOneTimeToken,
  pendingEmail,
  takeOneTimeToken,
  withdrawEmails,
} from '../store/sessions.ts'
import { lockUser, type UserRow, updateUser } from '../store/users.ts'
import type { IdentityTables } from '../tables.ts'
import { assertPerson } from './sessions.ts'

const lifetime = day
/** Links that one account can have mailed, to whatever addresses. */
const mailsPerHour = 5

export type EmailLinks = ReturnType<typeof createEmailLinks>

/**
 * Links that prove that a mailbox is the account's. An address counts only once its link was opened: until then nobody
 * is told whether another account has it.
 */
export function createEmailLinks({ db, clock, mail, actors, publicUrl }: Deps) {
  async function send(
    tx: Kysely<IdentityTables>,
    user: Pick<UserRow, 'id' | 'locale' | 'display_name'>,
    email: string,
  ): Promise<void> {
    const sent = await countOneTimeTokens(tx, user.id, 'email', timeOf(clock, lifetime - hour))
    if (sent >= mailsPerHour) throw tooManyMails({}, { retryAfter: hour / 1000 })
    const token = newToken()
    await insertOneTimeToken(tx, {
      token_hash: hashToken(token),
      user_id: user.id,
      purpose: 'email',
      email,
      expires_at: timeOf(clock, lifetime),
    })
    await mail.send(tx, { to: email, ...emailLinkMail(user, `${publicUrl}/verify-email#token=${token}`) })
  }

  /** The address that waits for its link to be opened, if it is not the account’s already. */
  async function pending(from: Kysely<IdentityTables>, user: Pick<UserRow, 'id' | 'email'>) {
    const email = await pendingEmail(from, user.id, timeOf(clock))
    return email === user.email ? null : email
  }

  return {
    send,
    pending,

    /**
     * Asks for another address, or for the old one again. The caller holds the user's row.
     * @throws AppError `email.too_many_mails`
     */
    async change(tx: Kysely<IdentityTables>, user: UserRow, email: string): Promise<void> {
      const isAsked = (await pending(tx, user)) === email
      await withdrawEmails(tx, user.id, email)
      if (email !== user.email && !isAsked) await send(tx, user, email)
    },

    /** @throws AppError `email.verified`, `email.too_many_mails` */
    async sendAgain(actor: Actor): Promise<void> {
      assertPerson(actor)
      await db.transaction(async tx => {
        const user = await lockUser(tx, actor.user_id)
        if (!user) throw userNotFound()
        const email = (await pending(tx, user)) ?? (user.email_verified_at === null ? user.email : null)
        if (email === null) throw emailVerified()
        await send(tx, user, email)
      })
    },

    /**
     * The address becomes the account's, and is known to be. Whoever opened the link has the mailbox, and may hear that
     * another account uses its address.
     * @throws AppError `auth.link_invalid`, `user.name_taken`
     */
    async confirm(token: string): Promise<void> {
      const userId = await db
        .transaction(async tx => {
          const taken = await takeOneTimeToken(tx, hashToken(token), 'email', timeOf(clock))
          const user = taken && (await lockUser(tx, taken.user_id))
          if (!taken?.email || !user?.is_active) throw linkInvalid()
          const { email } = taken
          await updateUser(tx, user.id, { email, email_verified_at: timeOf(clock) })
          if (email === user.email) await withdrawEmails(tx, user.id, null)
          else {
            // Links to the mailbox that was left must not open the account any more.
            await deleteOneTimeTokens(tx, user.id)
            if (user.email !== null) await mail.send(tx, { to: user.email, ...emailChangedMail(user) })
          }
          return user.id
        })
        .catch(error => {
          throw isUniqueViolation(error) ? nameTaken() : error
        })
      await actors.forget(userId)
    },
  }
}
