import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { defaultTimeZone } from '#core/clock.ts'
import type { Locale } from '#core/errors.ts'
import { decodeCursor, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId, newToken } from '#core/ids.ts'
import { hashToken } from '#core/security/tokens.ts'
import { UserCreated } from '../contract.ts'
import { type Deps, day, timeOf } from '../deps.ts'
import {
  invitationInvalid,
  invitationNeeded,
  invitationNotFound,
  invitationUseless,
  signUpClosed,
} from '../errors.ts'
import { invitationMail } from '../mails.ts'
import {
  isReserved,
  parseDisplayName,
  parseEmail,
  parsePhone,
  parseTimeZone,
  parseUsername,
} from '../names.ts'
import {
  deleteInvitation,
  type InvitationRow,
  insertInvitation,
  listInvitations,
  lockInvitation,
  markInvitationUsed,
} from '../store/invitations.ts'
import { readSetting, writeSetting } from '../store/roles.ts'
import { findUser, insertUser } from '../store/users.ts'
import type { EmailLinks } from './email-links.ts'
import { assertGoodPassword } from './passwords.ts'
import type { Roles } from './roles.ts'

export const SignUpPolicy = z.enum(['open', 'invitation', 'closed'])
export type SignUpPolicy = z.infer<typeof SignUpPolicy>

export type RegisterInput = {
  username: string
  password: string
  email?: string
  phone?: string
  display_name?: string
  locale?: Locale
  time_zone?: string
  invitation?: string
}

/** Answers to sign-up come in steps of this many milliseconds, so that their time tells nothing. */
const answerStep = 250

/** Who may make an account, and making it. */
export function createSignUp(deps: Deps, roles: Roles, emailLinks: Pick<EmailLinks, 'send'>) {
  const { db, clock, events, mail, passwords, publicUrl, settings, isLoopback } = deps

  /** The administrators' choice, else the setting, else open on loopback and closed on a network. */
  async function policy(): Promise<SignUpPolicy> {
    const chosen = SignUpPolicy.safeParse(await readSetting(db.primary, 'sign_up'))
    if (chosen.success) return chosen.data
    if (settings.SIGN_UP !== 'auto') return settings.SIGN_UP
    return isLoopback ? 'open' : 'closed'
  }

  /** Makes the account unless a name is taken already, which the caller is not told. */
  async function tryRegister(input: RegisterInput, locale: Locale): Promise<void> {
    const { username, key } = parseUsername(input.username)
    const row = {
      id: newId(),
      username,
      username_key: key,
      email: input.email ? parseEmail(input.email) : null,
      phone: input.phone ? parsePhone(input.phone) : null,
      display_name: input.display_name ? parseDisplayName(input.display_name) : username,
      locale: input.locale ?? locale,
      time_zone: input.time_zone ? parseTimeZone(input.time_zone) : defaultTimeZone,
    }
    assertGoodPassword(input.password, row)
    const password_hash = await passwords.hash(input.password)
    await db.transaction(async tx => {
      const invitation = input.invitation
        ? await lockInvitation(tx, hashToken(input.invitation), timeOf(clock))
        : undefined
      const isUsable = invitation && (invitation.email === null || invitation.email === row.email)
      if (input.invitation && !isUsable) throw invitationInvalid()
      if (isReserved(key)) return
      const isNew = await insertUser(tx, { ...row, password_hash, roles: invitation?.roles ?? ['user'] })
      if (!isNew) return
      if (row.email !== null) await emailLinks.send(tx, row, row.email)
      if (invitation) await markInvitationUsed(tx, invitation.id, { used_at: timeOf(clock), used_by: row.id })
      await events.publish(tx, UserCreated, { user_id: row.id })
    })
  }

  return {
    policy,

    async setPolicy(actor: Actor, sign_up: SignUpPolicy) {
      await writeSetting(db.primary, 'sign_up', sign_up, actor.user_id)
      return { sign_up }
    },

    /**
     * The same answer, after the same time, whether or not the name, address or number is taken.
     * @throws AppError `sign_up.closed`, `sign_up.invitation_needed`, `invitation.invalid`, `password.*`,
     *   `user.username_invalid` and the like, which depend on the input alone
     */
    async register(input: RegisterInput, locale: Locale): Promise<Record<string, never>> {
      const started = performance.now()
      const allowed = await policy()
      if (allowed === 'closed') throw signUpClosed()
      if (allowed === 'invitation' && !input.invitation) throw invitationNeeded()
      await tryRegister(input, locale)
      await wait(answerStep - ((performance.now() - started) % answerStep))
      return {}
    },

    /** The token is shown this once. @throws AppError `invitation.sign_up_closed`, `role.unknown` … */
    async invite(actor: Actor, input: { email?: string; roles?: string[]; expires_in_days?: number }) {
      if ((await policy()) === 'closed') throw invitationUseless()
      const token = newToken()
      const invitation: InvitationRow = {
        id: newId(),
        token_hash: hashToken(token),
        email: input.email ? parseEmail(input.email) : null,
        roles: input.roles ?? ['user'],
        created_by: actor.user_id,
        created_at: timeOf(clock),
        expires_at: timeOf(clock, (input.expires_in_days ?? 7) * day),
        used_at: null,
        used_by: null,
      }
      await roles.assertWithinPower(actor, invitation.roles)
      await db.transaction(async tx => {
        await insertInvitation(tx, invitation)
        if (invitation.email === null) return
        const inviter = await findUser(tx, actor.user_id)
        const link = `${publicUrl}/sign-up#invitation=${token}`
        await mail.send(tx, {
          to: invitation.email,
          ...invitationMail(actor.locale, inviter?.display_name ?? '', link),
        })
      })
      return { ...view(invitation), token }
    },

    async invitations(limit: number, cursor: string | undefined) {
      const before = decodeCursor(cursor, z.tuple([z.uuid()]))
      const rows = await listInvitations(db.primary, before?.[0] ?? null, limit + 1)
      return pageFrom(rows.map(view), limit, row => [row.id])
    },

    /** @throws AppError `invitation.not_found` */
    async revokeInvitation(id: string) {
      if (!(await deleteInvitation(db.primary, id))) throw invitationNotFound()
    },
  }
}

const view = ({ token_hash: _, ...invitation }: InvitationRow) => invitation
