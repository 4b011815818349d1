import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import { createBatcher } from '#core/db/batcher.ts'
import type { Db } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import type { Billing } from '#modules/billing/contract.ts'
import type { Notifications } from '#modules/notifications/contract.ts'
import { type CodeHasher, hashesOf, parseCode } from './codes.ts'
import { RedemptionUndone } from './contract.ts'
import type { redemptionSettings } from './redemption-config.ts'
import {
  cardNotRedeemable,
  codeIncomplete,
  codeMistyped,
  codeStrangeCharacter,
  redemptionNotFound,
  redemptionUndone,
  tooManyAttempts,
} from './redemption-errors.ts'
import { countFailure, type Scopes, scopesOf } from './redemption-limits.ts'
import { cardTakenBack } from './redemption-notifications.ts'
import {
  type Attempt,
  type CardStanding,
  type ItemRow,
  redemptionStore as store,
} from './redemption-store.ts'
import { type RedemptionTables, unknownBatch } from './redemption-tables.ts'

/** Where a request came from. */
export type Origin = { ip: string; region: string | null }

export type Redeemed = {
  item: ItemRow
  /** The same user had redeemed the code before; nothing has happened now. */
  already_owned: boolean
}

export type Undone = {
  id: string
  card_state: 'issued' | 'expired' | 'void'
  /** Days of a plan that the card had brought and that were taken back: what was left of them. */
  membership: { plan: string; days: number } | null
}

export type Redemptions = {
  /** @throws AppError `card.*` */
  redeem(actor: Actor, input: { code: string; origin: Origin }): Promise<Redeemed>
  /**
   * Takes a redemption back: the item leaves the collection, and the card may be redeemed again or not.
   * @throws AppError `redemption.not_found`, `redemption.undone`
   */
  undo(actor: Actor, id: string, input: { reason: string; void_card: boolean }): Promise<Undone>
}

type Refusal = 'unknown' | 'redeemed' | 'expired' | 'void' | 'frozen' | 'not_released'

export function createRedemptions({
  db,
  clock,
  events,
  metrics,
  settings,
  hashers,
  billing,
  notifications,
  settleSoon,
}: {
  db: Db<RedemptionTables>
  clock: Clock
  events: Events
  metrics: Metrics
  settings: Settings<typeof redemptionSettings>
  hashers: readonly CodeHasher[]
  billing: Pick<Billing, 'takeBackDays'>
  notifications: Pick<Notifications, 'notify'>
  /** Asks for what is pending to be logged and told to others. */
  settleSoon: () => void
}): Redemptions {
  const outcomes = metrics.counter({
    name: 'cards_redemptions_total',
    help: 'Attempts to redeem a code, by outcome',
    labels: ['outcome'],
  })

  const take = createBatcher<Attempt & Scopes, ItemRow | undefined>({
    async run(attempts) {
      const items = await store.take(db.primary, attempts, settings)
      return attempts.map(({ id }) => items.get(id))
    },
    most: 50,
  })

  /** What came in the way, for the log only. Null: nothing does any more. */
  function refusalOf(card: CardStanding | undefined): Refusal | null {
    if (!card) return 'unknown'
    if (card.card_state === 'redeemed' || card.card_state === 'void') return card.card_state
    if (card.batch_state === 'void' || card.batch_state === 'frozen') return card.batch_state
    if (card.batch_state !== 'released') return 'not_released'
    return card.card_state === 'expired' || card.is_ended ? 'expired' : null
  }

  async function refuse(attempt: Attempt, scopes: Scopes, card: CardStanding | undefined, reason: Refusal) {
    const { id, at, user_id, ip, region } = attempt
    await db.transaction(async tx => {
      await store.log(tx, {
        id,
        at,
        action: 'refused',
        batch_id: card?.batch_id ?? unknownBatch,
        number: card?.number ?? null,
        reason,
        user_id,
        ip,
        region,
      })
      await countFailure(tx, scopes, Date.parse(at), settings)
    })
    settleSoon()
  }

  /** What to say when `take` did nothing; null when nothing is in the way any more. */
  async function explain(attempt: Attempt, scopes: Scopes): Promise<Redeemed | null> {
    const blockedUntil = await store.blockedUntil(db.primary, attempt, scopes, settings)
    if (blockedUntil !== null) {
      outcomes.inc({ outcome: 'blocked' })
      const seconds = Math.max(1, Math.ceil((Date.parse(blockedUntil) - Date.parse(attempt.at)) / 1000))
      throw tooManyAttempts({ seconds }, { retryAfter: seconds })
    }
    const card = await store.standing(db.primary, attempt)
    const own = card && (await store.itemOfCard(db.primary, card, attempt.user_id))
    if (own) {
      outcomes.inc({ outcome: 'already_owned' })
      return { item: own, already_owned: true }
    }
    const reason = refusalOf(card)
    if (reason === null) return null
    await refuse(attempt, scopes, card, reason)
    outcomes.inc({ outcome: 'refused' })
    throw cardNotRedeemable()
  }

  return {
    async redeem(actor, { code, origin }) {
      const parsed = parseCode(code)
      if (parsed.problem !== null) {
        outcomes.inc({ outcome: 'mistyped' })
        throw mistyped[parsed.problem]()
      }
      const now = clock.now()
      const scopes = scopesOf(actor.user_id, origin.ip, now)
      const attempt: Attempt = {
        id: newId(),
        hashes: hashesOf(hashers, parsed.code),
        user_id: actor.user_id,
        at: new Date(now).toISOString(),
        ...origin,
      }
      // Again when what was in the way has gone meanwhile: an undone redemption, a batch that was released.
      for (let tries = 1; tries <= mostTries; tries++) {
        const item = await take({ ...attempt, ...scopes })
        if (item) {
          settleSoon()
          outcomes.inc({ outcome: 'redeemed' })
          return { item, already_owned: false }
        }
        const redeemed = await explain(attempt, scopes)
        if (redeemed) return redeemed
      }
      throw cardNotRedeemable()
    },

    async undo(actor, id, { reason, void_card }) {
      const at = new Date(clock.now()).toISOString()
      const undone = await db.transaction(async tx => {
        const redemption = await store.lock(tx, id)
        if (!redemption) throw redemptionNotFound()
        if (redemption.undone_at !== null) throw redemptionUndone()
        await store.markUndone(tx, id, at)
        const card_state = await store.giveBack(tx, redemption, { isVoid: void_card, at })
        await store.log(tx, {
          id: newId(),
          at,
          action: 'undone',
          batch_id: redemption.batch_id,
          number: redemption.number,
          redemption_id: id,
          reason: card_state,
          user_id: redemption.user_id,
          acting_user_id: actor.user_id,
          // Where it is to be taken off; an administrator's own place says nothing.
          region: await store.regionOf(tx, redemption),
          note: reason,
        })
        const template = await store.templateOf(tx, redemption)
        let membership: Undone['membership'] = null
        if (redemption.user_id !== null) {
          const { user_id, template_id } = redemption
          const { category, name } = template
          membership = await billing.takeBackDays(user_id, id, { tx })
          await events.publish(tx, RedemptionUndone, { redemption_id: id, user_id, template_id, category })
          await notifications.notify(user_id, cardTakenBack, { name }, { tx, key: `undone ${id}` })
        }
        return { id, card_state, membership }
      })
      settleSoon()
      return undone
    },
  }
}

const mostTries = 3

const mistyped = { length: codeIncomplete, character: codeStrangeCharacter, check: codeMistyped }
