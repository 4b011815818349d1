import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Clock } from '#core/clock.ts'
import type { Db, Executor } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import { decodeCursor, encodeCursor, type Page } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { UserCard } from '#modules/identity/contract.ts'
import {
  type Billing,
  type Entitlements,
  freePlan,
  type Subscription,
  SubscriptionChanged,
  vipPlan,
} from './contract.ts'
import { createEntitlementRules, limitsOf } from './entitlements.ts'
import {
  endInPast,
  endTooFar,
  planExists,
  planIndispensable,
  planNotFound,
  planRetired,
  userUnknown,
} from './errors.ts'
import { day_ms, withoutDays } from './periods.ts'
import {
  type GrantRow,
  type PeriodRow,
  type PlanInput,
  type PlanRow,
  planStore,
  subscriptionStore as store,
} from './store.ts'
import type { BillingTables } from './tables.ts'

type Person = Pick<UserCard, 'username' | 'display_name' | 'avatar_url' | 'time_zone' | 'is_vip'>

/** What billing asks identity about people. Those that it does not know are in Asia/Shanghai and no VIP. */
export type People = {
  find(userIds: readonly string[]): Promise<Map<string, Person>>
  isVip(tx: Executor, userId: string): Promise<boolean>
  setVip(tx: Executor, userId: string, isVip: boolean): Promise<void>
  /** Ids after `afterId` of those who are marked as VIP, in order. */
  marked(afterId: string | null, limit: number): Promise<string[]>
}

/** `declared`: what it gives where administrators set nothing. */
export type Plan = PlanRow & { declared: Entitlements }

/** Somebody on a plan. */
export type Subscriber = Pick<Person, 'username' | 'display_name' | 'avatar_url'> & {
  user_id: string
  until: string | null
}

export type UserBilling = Subscription & {
  user_id: string
  overrides: Entitlements
  /** What all this comes to. */
  entitlements: Entitlements
  upcoming: PeriodRow[]
  /** With the display name of the administrator who gave them, if one did. */
  grants: (GrantRow & { granted_by_name: string | null })[]
}

export type BillingService = Billing & {
  /** Those that are retired too. */
  allPlans(): Promise<Plan[]>
  /** @throws AppError `plan.not_found` */
  plan(id: string): Promise<Plan>
  /** @throws AppError `plan.exists`, `entitlement.unknown`, `entitlement.wrong_type` */
  createPlan(plan: PlanInput): Promise<Plan>
  /**
   * Makes or replaces a plan. One that is retired keeps those who have it, and takes nobody new.
   * @throws AppError `plan.indispensable`, `entitlement.unknown`, `entitlement.wrong_type`
   */
  savePlan(plan: PlanInput & { is_retired?: boolean }): Promise<Plan>
  /**
   * Who is on the plan now, in order of user ids; for `free` nobody, since that is everyone else. A page may hold fewer
   * than its limit before the last one. @throws AppError `plan.not_found`
   */
  subscribers(plan: string, limit: number, cursor: string | undefined): Promise<Page<Subscriber>>
  /** @throws AppError `user.not_found` */
  ofUser(userId: string): Promise<UserBilling>
  /** `grantDays` by an administrator. @throws AppError `user.not_found`, `plan.not_found`, `plan.retired` */
  giveDays(actor: Actor, userId: string, gift: Gift): Promise<UserBilling>
  /**
   * Replaces the plan, its end and the overrides.
   * @throws AppError `user.not_found`, `plan.not_found`, `plan.retired`, `entitlement.*`, `subscription.*`
   */
  setUser(userId: string, wanted: Subscription & { overrides: Entitlements }): Promise<UserBilling>
  /** Announces the ends of subscriptions, one transaction a user. Returns how many users that were, up to 500. */
  expire(): Promise<number>
  /** Lets go of what is remembered of a user, after a change has committed. */
  forget(userId: string): Promise<void>
}

export type Gift = { plan: string; days: number; reason: string }

/** What four digits of a year can say. */
const latestEnd = Date.parse('9999-12-31T23:59:59Z')
const expiryBatch = 500
const shownGrants = 20

export function createBillingService({
  db,
  cache,
  clock,
  events,
  people,
  defaultTimeZone,
}: {
  db: Db<BillingTables>
  cache: Cache
  clock: Clock
  events: Events
  people: People
  defaultTimeZone: string
}): BillingService {
  const rows = db.primary
  const rules = createEntitlementRules()
  const now = () => new Date(clock.now()).toISOString()

  const isEnded = (period: PeriodRow) => period.until_at !== null && period.until_at <= now()

  /** The mark of identity stands for a VIP subscription without end, until there is a real one. */
  function subscriptionFrom(periods: readonly PeriodRow[], isVip: boolean): Subscription {
    const running = periods.find(period => period.from_at <= now() && !isEnded(period))
    if (running) return { plan: running.plan_id, until: running.until_at }
    return { plan: isVip && periods.length === 0 ? vipPlan : freePlan, until: null }
  }

  async function findPlan(from: Kysely<BillingTables>, id: string): Promise<PlanRow> {
    const plan = await planStore.find(from, id)
    if (!plan) throw planNotFound({ plan: id })
    return plan
  }

  async function assertKnown(userId: string) {
    if (!(await people.find([userId])).has(userId)) throw userUnknown()
  }

  const withDeclared = (plan: PlanRow): Plan => ({
    ...plan,
    declared: rules.resolve({ id: plan.id, entitlements: {} }, {}),
  })

  async function standing(userId: string) {
    const [periods, overrides, known] = await Promise.all([
      store.periods(rows, [userId]),
      store.overrides(rows, userId),
      people.find([userId]),
    ])
    const { time_zone = defaultTimeZone, is_vip = false } = known.get(userId) ?? {}
    const subscription = subscriptionFrom(periods, is_vip)
    const plan = await findPlan(rows, subscription.plan)
    return { subscription, periods, overrides, time_zone, entitlements: rules.resolve(plan, overrides) }
  }

  /** As `standing`, from memory, because every call of a model asks; never beyond the end of a subscription. */
  async function remembered(userId: string): Promise<Remembered> {
    const key = `billing.standing.${userId}`
    const load = async (): Promise<Remembered> => {
      const { subscription, entitlements, time_zone } = await standing(userId)
      return { until: subscription.until, entitlements, time_zone }
    }
    const options = { tags: [userTag(userId), plansTag] }
    const found = await cache.get(policies.l1, key, load, options)
    if (found.until === null || found.until > now()) return found
    await cache.delete(policies.l1, key)
    return cache.get(policies.l1, key, load, options)
  }

  /** Tells the world where a user stands after a change, as part of that change. */
  async function announce(tx: Kysely<BillingTables>, userId: string): Promise<Subscription> {
    const subscription = subscriptionFrom(await store.periods(tx, [userId]), false)
    await people.setVip(tx, userId, subscription.plan === vipPlan)
    await events.publish(tx, SubscriptionChanged, { user_id: userId, ...subscription })
    return subscription
  }

  async function grant(
    tx: Kysely<BillingTables>,
    userId: string,
    plan: string,
    days: number,
    options: GrantOptions,
  ) {
    await store.lockUser(tx, userId)
    const earlier = await store.findGrant(tx, userId, options.key)
    if (earlier) return { plan: earlier.plan_id, until: earlier.until_at }
    if (plan === freePlan) throw planNotFound({ plan })
    await findPlan(tx, plan)
    const periods = await store.periods(tx, [userId])
    const last = periods.findLast(period => !isEnded(period))
    const isEndless = last ? last.until_at === null : periods.length === 0 && (await people.isVip(tx, userId))
    const from = last?.until_at ?? now()
    const end = Date.parse(from) + days * day_ms
    if (!isEndless && end > latestEnd) throw endTooFar()
    const until = isEndless ? null : new Date(end).toISOString()
    if (until !== null) {
      if (last?.plan_id === plan) await store.extend(tx, last.id, until)
      else
        await store.insert(tx, {
          id: newId(),
          user_id: userId,
          plan_id: plan,
          from_at: from,
          until_at: until,
        })
    }
    const { key, reason, granted_by = null } = options
    await store.addGrant(tx, {
      id: newId(),
      user_id: userId,
      plan_id: plan,
      days,
      reason,
      key,
      granted_by,
      until_at: until,
    })
    if (until !== null) await announce(tx, userId)
    return { plan, until }
  }

  async function takeBack(tx: Kysely<BillingTables>, userId: string, key: string) {
    await store.lockUser(tx, userId)
    const given = await store.findGrant(tx, userId, key)
    if (!given || given.taken_back_at !== null) return null
    const { plan_id: plan, days, created_at: granted_at } = given
    await store.markTakenBack(tx, given.id, now())
    const periods = await store.periods(tx, [userId])
    const left = withoutDays(periods, { plan, days, granted_at, now: now() })
    if (left.taken_ms === 0) return null
    for (const period of left.periods) await store.move(tx, period)
    await store.closeEnded(tx, userId, now())
    await announce(tx, userId)
    return { plan, days: Math.ceil(left.taken_ms / day_ms) }
  }

  async function isOn(tx: Kysely<BillingTables>, userId: string, plan: string): Promise<boolean> {
    return subscriptionFrom(await store.periods(tx, [userId]), await people.isVip(tx, userId)).plan === plan
  }

  /** Those of the users who are on the plan now, with their names. */
  async function whoIsOn(plan: string, userIds: readonly string[]): Promise<Subscriber[]> {
    if (userIds.length === 0) return []
    const [periods, known] = await Promise.all([store.periods(rows, userIds), people.find(userIds)])
    const byUser = Map.groupBy(periods, period => period.user_id)
    return userIds.flatMap(user_id => {
      const person = known.get(user_id)
      const standing = subscriptionFrom(byUser.get(user_id) ?? [], person?.is_vip ?? false)
      if (!person || standing.plan !== plan) return []
      const { username, display_name, avatar_url } = person
      return { user_id, username, display_name, avatar_url, until: standing.until }
    })
  }

  const service: BillingService = {
    declare: rules.declare,
    async entitlement(user_id, name) {
      if (!rules.isDeclared(name)) throw new Error(`Nobody declared the entitlement ${name}`)
      return (await service.entitlements(user_id))[name] ?? null
    },
    entitlements: async user_id => (await remembered(user_id)).entitlements,
    async planOf(user_ids) {
      const plans = new Map<string, string>()
      if (user_ids.length === 0) return plans
      const [periods, known] = await Promise.all([store.periods(rows, user_ids), people.find(user_ids)])
      const byUser = Map.groupBy(periods, period => period.user_id)
      for (const id of user_ids) {
        const isVip = known.get(id)?.is_vip ?? false
        plans.set(id, subscriptionFrom(byUser.get(id) ?? [], isVip).plan)
      }
      return plans
    },
    async grantDays(user_id, plan, days, { tx, ...options }) {
      if (!Number.isInteger(days) || days < 1) throw new Error('Days are granted in whole numbers from 1')
      if (tx) return grant(tx as Kysely<BillingTables>, user_id, plan, days, options)
      const granted = await db.transaction(own => grant(own, user_id, plan, days, options))
      await service.forget(user_id)
      return granted
    },
    takeBackDays: (user_id, key, { tx }) => takeBack(tx as Kysely<BillingTables>, user_id, key),
    async limitsFor(user_id) {
      const { entitlements, time_zone } = await remembered(user_id)
      return limitsOf(entitlements, time_zone)
    },

    plans: async () => (await planStore.list(rows)).filter(plan => plan.retired_at === null),
    allPlans: async () => (await planStore.list(rows)).map(withDeclared),
    plan: async id => withDeclared(await findPlan(rows, id)),
    async createPlan(plan) {
      rules.check(plan.entitlements)
      const made = await planStore.insert(rows, plan)
      if (!made) throw planExists({ plan: plan.id })
      return withDeclared(made)
    },
    async savePlan({ is_retired = false, ...plan }) {
      rules.check(plan.entitlements)
      if (is_retired && plan.id === freePlan) throw planIndispensable({ plan: plan.id })
      const saved = await planStore.save(rows, { ...plan, retired_at: is_retired ? now() : null })
      await cache.invalidate(plansTag)
      return withDeclared(saved)
    },
    async subscribers(plan, limit, cursor) {
      await findPlan(rows, plan)
      const afterId = decodeCursor(cursor, z.tuple([z.uuid()]))?.[0] ?? null
      const [subscribed, marked] = await Promise.all([
        store.onPlan(rows, { plan, now: now(), afterId, limit: limit + 1 }),
        plan === vipPlan ? people.marked(afterId, limit + 1) : [],
      ])
      // Ids are texts in lower case, so they sort here as in the database.
      const candidates = [...new Set([...subscribed, ...marked])].sort().slice(0, limit + 1)
      const shown = candidates.slice(0, limit)
      const last = shown.at(-1)
      const next_cursor = candidates.length > limit && last !== undefined ? encodeCursor([last]) : null
      return { items: await whoIsOn(plan, shown), next_cursor }
    },
    async ofUser(userId) {
      await assertKnown(userId)
      const [{ subscription, overrides, entitlements, periods }, grants] = await Promise.all([
        standing(userId),
        store.grants(rows, userId, shownGrants),
      ])
      const givers = await people.find([...new Set(grants.flatMap(grant => grant.granted_by ?? []))])
      return {
        user_id: userId,
        ...subscription,
        overrides,
        entitlements,
        upcoming: periods.filter(period => period.from_at > now()),
        grants: grants.map(grant => ({
          ...grant,
          granted_by_name: givers.get(grant.granted_by ?? '')?.display_name ?? null,
        })),
      }
    },
    async giveDays(actor, userId, { plan, days, reason }) {
      await assertKnown(userId)
      await db.transaction(async tx => {
        if ((await findPlan(tx, plan)).retired_at !== null) throw planRetired({ plan })
        await grant(tx, userId, plan, days, { reason, key: newId(), granted_by: actor.user_id })
      })
      await service.forget(userId)
      return service.ofUser(userId)
    },
    async setUser(userId, { plan, until, overrides }) {
      rules.check(overrides)
      await assertKnown(userId)
      const at = now()
      if (until !== null && Date.parse(until) <= clock.now()) throw endInPast()
      if (until !== null && Date.parse(until) > latestEnd) throw endTooFar()
      await db.transaction(async tx => {
        await store.lockUser(tx, userId)
        const { retired_at } = await findPlan(tx, plan)
        if (retired_at !== null && !(await isOn(tx, userId, plan))) throw planRetired({ plan })
        await store.setOverrides(tx, userId, overrides)
        await store.endAll(tx, userId, at)
        if (plan !== freePlan) {
          await store.insert(tx, {
            id: newId(),
            user_id: userId,
            plan_id: plan,
            from_at: at,
            until_at: until,
          })
        }
        await announce(tx, userId)
      })
      await service.forget(userId)
      return service.ofUser(userId)
    },
    async expire() {
      const userIds = await store.endedUsers(rows, now(), expiryBatch)
      for (const userId of userIds) {
        await db.transaction(async tx => {
          await store.lockUser(tx, userId)
          if (await store.closeEnded(tx, userId, now())) await announce(tx, userId)
        })
      }
      return userIds.length
    },
    forget: userId => cache.invalidate(userTag(userId)),
  }
  return service
}

type GrantOptions = { reason: string; key: string; granted_by?: string }
type Remembered = { until: string | null; entitlements: Entitlements; time_zone: string }

const userTag = (userId: string) => `billing.user.${userId}`
const plansTag = 'billing.plans'
