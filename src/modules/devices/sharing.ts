import { type Kysely, type Selectable, sql } from 'kysely'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import type { Events } from '#core/events/events.ts'
import type { Actor } from '#core/http/route.ts'
import { newId, newToken } from '#core/ids.ts'
import { hashToken } from '#core/security/tokens.ts'
import type { Identity } from '#modules/identity/contract.ts'
import { defineNotification, type Notifications } from '#modules/notifications/contract.ts'
import { bind, lockDevice, note, unbind } from './bindings.ts'
import { defaultName } from './claiming.ts'
import { DeviceClaimed, DeviceReleased, deviceNotFound } from './contract.ts'
import { assertAccess, assertOwner, membersOf } from './devices.ts'
import type { Live } from './live.ts'
import type { DevicesTables } from './tables.ts'
import type { Member, Offer, PeopleOf } from './views.ts'

type Rows = Kysely<DevicesTables>
type OfferRow = Selectable<DevicesTables['devices_offer']>

const offerLifeMs = 7 * 86_400_000
const maxOffers = 20
const maxMembers = 30

const offerNotFound = defineError({
  code: 'offer.not_found',
  status: 404,
  en: 'There is no such invitation; it may have expired or been withdrawn. Ask for a new one.',
  'zh-CN': '没有这个邀请，可能已过期或被撤回，请让对方重新邀请。',
})
const offersTooMany = defineError({
  code: 'offer.too_many',
  status: 409,
  en: 'There are {limit} open invitations for this device. Withdraw one first.',
  'zh-CN': '这台设备已有 {limit} 个未处理的邀请，请先撤回一个。',
})
const membersTooMany = defineError({
  code: 'device.too_many_members',
  status: 409,
  en: 'A device may have {limit} family members at most.',
  'zh-CN': '一台设备最多有 {limit} 位家庭成员。',
})
const recipientUnknown = defineError({
  code: 'offer.recipient_unknown',
  status: 422,
  en: 'There is no user “{username}”. Check the name, or make a link instead.',
  'zh-CN': '没有名为“{username}”的用户。请核对用户名，或改用邀请链接。',
})
const recipientIsOwner = defineError({
  code: 'offer.recipient_is_owner',
  status: 409,
  en: 'The device is yours already.',
  'zh-CN': '这台设备本来就是您的。',
})
const recipientIsMember = defineError({
  code: 'offer.recipient_is_member',
  status: 409,
  en: 'This user is in the family of this device already.',
  'zh-CN': '该用户已是这台设备的家庭成员。',
})
const memberNotFound = defineError({
  code: 'device_member.not_found',
  status: 404,
  en: 'There is no such family member.',
  'zh-CN': '没有这位家庭成员。',
})

type OfferFacts = { device: string; from: string }
const invited = defineNotification<OfferFacts>({
  name: 'devices.member_invited',
  texts: {
    en: { title: 'An invitation to “{device}”', body: '{from} would like to share a device with you.' },
    'zh-CN': { title: '邀请您使用“{device}”', body: '{from} 想与您共用一台设备。' },
  },
  path: '/devices',
  is_emailed: false,
})
const transferOffered = defineNotification<OfferFacts>({
  name: 'devices.transfer_offered',
  texts: {
    en: { title: '“{device}” is offered to you', body: '{from} would like to hand a device over to you.' },
    'zh-CN': { title: '“{device}”想转让给您', body: '{from} 想把一台设备转让给您。' },
  },
  path: '/devices',
  is_emailed: true,
})

export type Sharing = ReturnType<typeof createSharing>

/** The family of a device, and handing it over. Both begin with an offer that the other side accepts. */
export function createSharing(deps: {
  db: Db
  clock: Clock
  events: Events
  live: Live
  people: PeopleOf
  identity: Pick<Identity, 'userByName'>
  notifications: Notifications
}) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock, events, live, people } = deps
  type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
  const now = () => new Date(clock.now()).toISOString()

  async function views(rows: OfferWithDevice[], token: string | null = null): Promise<Offer[]> {
    const personOf = await people(rows.flatMap(row => [row.owner_id, row.user_id]))
    return rows.map(row => ({
      id: row.id,
      kind: row.kind,
      device: { id: row.device_id, name: row.name },
      from: personOf(row.owner_id),
      to: personOf(row.user_id),
      url_path: token === null ? null : `/devices/offers#token=${token}`,
      created_at: row.created_at,
      expires_at: row.expires_at,
    }))
  }

  async function recipientOf(actor: Actor, username: string | undefined, binding_id: string) {
    if (username === undefined) return null
    const user = await deps.identity.userByName(username)
    if (!user) throw recipientUnknown({ username })
    if (user.id === actor.user_id) throw recipientIsOwner()
    return { id: user.id, isMember: (await membersOf(db.primary, binding_id)).includes(user.id) }
  }

  async function accept(tx: Tx, user_id: string, offer: OfferRow & { device_id: string }) {
    const { device_id, binding_id } = offer
    const device = await lockDevice(tx, device_id)
    const access = await tx
      .selectFrom('devices_binding')
      .selectAll()
      .where('id', '=', binding_id)
      .executeTakeFirst()
    const isThere = await tx.deleteFrom('devices_offer').where('id', '=', offer.id).executeTakeFirst()
    if (!device || !access || isThere.numDeletedRows === 0n) throw offerNotFound()
    if (access.owner_id === user_id) throw recipientIsOwner()
    if (offer.kind === 'member') {
      await join(tx, user_id, { device_id, binding_id })
      return { previous: null, family: [] }
    }
    const family = await membersOf(tx, binding_id)
    const previous = access.owner_id
    await note(tx, { device_id, binding_id, kind: 'transferred', user_id: previous, other_user_id: user_id })
    await unbind(tx, device_id)
    const name = await defaultName(tx, device)
    const { id } = await bind(tx, { device_id, owner_id: user_id, name, client_id: device.client_id })
    await note(tx, {
      device_id,
      binding_id: id,
      kind: 'transferred',
      user_id: previous,
      other_user_id: user_id,
    })
    await events.publish(tx, DeviceReleased, { device_id, user_id: previous })
    await events.publish(tx, DeviceClaimed, { device_id, user_id, type_id: device.type_id })
    return { previous, family }
  }

  return {
    /** The owner first. @throws AppError `device.not_found` */
    async members({ user_id }: Actor, device_id: string): Promise<Member[]> {
      const { binding_id } = await assertAccess(db.primary, user_id, device_id)
      const [binding, rows] = await Promise.all([
        db.primary
          .selectFrom('devices_binding')
          .select(['owner_id', 'created_at'])
          .where('id', '=', binding_id)
          .executeTakeFirst(),
        db.primary
          .selectFrom('devices_member')
          .select(['user_id', 'created_at'])
          .where('binding_id', '=', binding_id)
          .orderBy('created_at')
          .execute(),
      ])
      if (!binding) throw deviceNotFound()
      const personOf = await people([binding.owner_id, ...rows.map(row => row.user_id)])
      const view = (id: string, role: Member['role'], since: string): Member => ({
        user_id: id,
        role,
        user: personOf(id),
        since,
      })
      return [
        view(binding.owner_id, 'owner', binding.created_at),
        ...rows.map(row => view(row.user_id, 'member', row.created_at)),
      ]
    },

    /**
     * The owner sends a member away, or a member leaves.
     * @throws AppError `device.not_found`, `device_member.not_found`, `device.owner_only`
     */
    async removeMember(actor: Actor, device_id: string, user_id: string): Promise<void> {
      await db.transaction(async tx => {
        const isSelf = user_id === actor.user_id
        const { binding_id } = await (isSelf ? assertAccess : assertOwner)(tx, actor.user_id, device_id)
        const { numDeletedRows } = await tx
          .deleteFrom('devices_member')
          .where('binding_id', '=', binding_id)
          .where('user_id', '=', user_id)
          .executeTakeFirst()
        if (numDeletedRows === 0n) throw memberNotFound()
        await note(tx, { device_id, binding_id, kind: 'member_left', user_id })
      })
      await live.socket(device_id, 'binding')
      await live.user(user_id, 'devices.updated')
      await live.device(device_id, 'device.updated')
    },

    /**
     * Offers a place in the family, or the device itself: to a user by name, or to whoever has the link that comes
     * back. Open for seven days.
     * @throws AppError `device.not_found`, `device.owner_only`, `offer.recipient_unknown`,
     *   `offer.recipient_is_owner`, `offer.recipient_is_member`, `offer.too_many`
     */
    async offer(
      actor: Actor,
      device_id: string,
      input: { kind: 'member' | 'transfer'; username?: string | undefined },
    ): Promise<Offer> {
      const { kind, username } = input
      const { binding_id } = await assertOwner(db.primary, actor.user_id, device_id)
      const recipient = await recipientOf(actor, username, binding_id)
      if (recipient?.isMember && kind === 'member') throw recipientIsMember()
      const token = recipient ? null : newToken()
      const id = newId()
      const [view] = await db.transaction(async tx => {
        await lockDevice(tx, device_id)
        await assertOwner(tx, actor.user_id, device_id)
        const open = await offerRows(tx, now()).where('offer.binding_id', '=', binding_id).execute()
        if (open.length >= maxOffers) throw offersTooMany({ limit: maxOffers })
        await tx
          .insertInto('devices_offer')
          .values({
            id,
            binding_id,
            kind,
            user_id: recipient?.id ?? null,
            token_hash: token === null ? null : hashToken(token),
            expires_at: new Date(clock.now() + offerLifeMs).toISOString(),
          })
          .execute()
        const rows = await offerRows(tx, now()).where('offer.id', '=', id).execute()
        return views(rows, token)
      })
      if (!view) throw offerNotFound()
      if (recipient) {
        const facts = { device: view.device.name, from: view.from?.display_name ?? '' }
        const news = kind === 'member' ? invited : transferOffered
        await deps.notifications.notify(recipient.id, news, facts, { key: `devices.offer ${id}` })
        await live.user(recipient.id, 'offers.updated')
      }
      return view
    },

    /** What others offer to this user. */
    async incoming({ user_id }: Actor): Promise<Offer[]> {
      const rows = await offerRows(db.primary, now())
        .where('offer.user_id', '=', user_id)
        .orderBy('offer.id', 'desc')
        .limit(100)
        .execute()
      return views(rows)
    },

    /** What is open for an own device. @throws AppError `device.not_found`, `device.owner_only` */
    async outgoing({ user_id }: Actor, device_id: string): Promise<Offer[]> {
      const { binding_id } = await assertOwner(db.primary, user_id, device_id)
      return views(
        await offerRows(db.primary, now())
          .where('offer.binding_id', '=', binding_id)
          .orderBy('offer.id', 'desc')
          .execute(),
      )
    },

    /** What a link offers. @throws AppError `offer.not_found` */
    async byLink(token: string): Promise<Offer> {
      const [view] = await views(await linkRows(db.primary, token, now()).execute())
      if (!view) throw offerNotFound()
      return view
    },

    /** @throws AppError `offer.not_found`, `offer.recipient_is_owner`, `device.too_many`, … */
    async accept(
      { user_id }: Actor,
      which: { id: string } | { token: string },
    ): Promise<{ device_id: string }> {
      const rows =
        'id' in which
          ? offerRows(db.primary, now()).where('offer.id', '=', which.id).where('offer.user_id', '=', user_id)
          : linkRows(db.primary, which.token, now())
      const offer = await rows.executeTakeFirst()
      if (!offer) throw offerNotFound()
      const { device_id } = offer
      const { previous, family } = await db.transaction(tx => accept(tx, user_id, offer))
      if (previous !== null) await live.socket(device_id, 'revoked')
      await live.device(device_id, 'device.updated')
      const concerned = [user_id, ...(previous === null ? [] : [previous]), ...family]
      for (const id of concerned) await live.user(id, 'devices.updated')
      await live.user(user_id, 'offers.updated')
      return { device_id }
    },

    /** The recipient declines, or the owner takes it back. @throws AppError `offer.not_found` */
    async remove({ user_id }: Actor, id: string): Promise<void> {
      const offer = await offerRows(db.primary, now()).where('offer.id', '=', id).executeTakeFirst()
      if (!offer || (offer.user_id !== user_id && offer.owner_id !== user_id)) throw offerNotFound()
      await db.primary.deleteFrom('devices_offer').where('id', '=', id).execute()
      if (offer.user_id) await live.user(offer.user_id, 'offers.updated')
      await live.device(offer.device_id, 'device.updated')
    },

    /** Removes offers that nobody took in time, up to `limit`; returns how many. */
    async removeLapsed(limit: number): Promise<number> {
      const { rows } = await sql<{ id: string }>`
        DELETE FROM devices_offer WHERE id IN (
          SELECT id FROM devices_offer WHERE expires_at < ${now()} LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ) RETURNING id`.execute(db.primary)
      return rows.length
    },
  }
}

async function join(
  tx: Rows,
  user_id: string,
  { device_id, binding_id }: { device_id: string; binding_id: string },
) {
  const family = await membersOf(tx, binding_id)
  if (family.includes(user_id)) return
  if (family.length >= maxMembers) throw membersTooMany({ limit: maxMembers })
  await tx.insertInto('devices_member').values({ binding_id, user_id }).execute()
  await note(tx, { device_id, binding_id, kind: 'member_joined', user_id })
}

type OfferWithDevice = OfferRow & { device_id: string; name: string; owner_id: string }

/** Open offers, with the device that each is about. */
const offerRows = (db: Rows, now: string) =>
  db
    .selectFrom('devices_offer as offer')
    .innerJoin('devices_binding as binding', 'binding.id', 'offer.binding_id')
    .selectAll('offer')
    .select(['binding.device_id', 'binding.name', 'binding.owner_id'])
    .where('offer.expires_at', '>', now)

const linkRows = (db: Rows, token: string, now: string) =>
  offerRows(db, now).where('offer.token_hash', '=', hashToken(token))
