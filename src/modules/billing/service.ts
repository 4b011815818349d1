import type { Kysely } from 'kysely'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Clock } from '#core/clock.ts'
import type { Db, Executor } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import type { Events } from '#core/events/events.ts'
import { newId } from '#core/ids.ts'
import {
  type Billing,
  type Entitlements,
  freePlan,
  type Subscription,
  SubscriptionChanged,
  vipPlan,
} from './contract.ts'
import { createEntitlementRules, limitsOf } from './entitlements.ts'
import { endInPast, planNotFound } from './errors.ts'
import {
  type GrantRow,
  type PeriodRow,
  type PlanRow,
  planStore,
  subscriptionStore as store,
} from './store.ts'
import type { BillingTables } from './tables.ts'

/** What billing asks identity about people. Those that it does not know are in Asia/Shanghai and no VIP. */
export type People = {
  find(userIds: readonly string[]): Promise<Map<string, { time_zone: string; is_vip: boolean }>>
  setVip(tx: Executor, userId: string, isVip: boolean): Promise<void>
}

export type UserBilling = Subscription & {
  user_id: string
  overrides: Entitlements
  /** What all this comes to. */
  entitlements: Entitlements
  upcoming: PeriodRow[]
  grants: GrantRow[]
}

export type BillingService = Omit<Billing, 'plans'> & {
  plans(): Promise<PlanRow[]>
  /** @throws AppError `plan.not_found` */
  plan(id: string): Promise<PlanRow>
  /** Makes or replaces a plan. @throws AppError `entitlement.unknown`, `entitlement.wrong_type` */
  savePlan(plan: { id: string; names: Record<Locale, string>; entitlements: Entitlements }): Promise<PlanRow>
  ofUser(userId: string): Promise<UserBilling>
  /** Replaces the plan, its end and the overrides. @throws AppError `plan.not_found`, `entitlement.*`, `subscription.*` */
  setUser(userId: string, wanted: Subscription & { overrides: Entitlements }): Promise<UserBilling>
  /** Announces the ends of subscriptions, one transaction a user. Returns how many users that were, up to 500. */
  expire(): Promise<number>
  /** Lets go of what is remembered of a user, after a change has committed. */
  forget(userId: string): Promise<void>
}

const day_ms = 86_400_000
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

  async function standing(userId: string) {
    const [periods, overrides, known] = await Promise.all([
      store.periods(rows, [userId]),
      store.overrides(rows, userId),
      people.find([userId]),
    ])
    const person = known.get(userId) ?? { time_zone: defaultTimeZone, is_vip: false }
    const subscription = subscriptionFrom(periods, person.is_vip)
    const plan = await service.plan(subscription.plan)
    return { subscription, periods, overrides, person, entitlements: rules.resolve(plan, overrides) }
  }

  /** As `standing`, from memory, because every call of a model asks; never beyond the end of a subscription. */
  async function remembered(userId: string): Promise<Remembered> {
    const key = `billing.standing.${userId}`
    const load = async (): Promise<Remembered> => {
      const { subscription, entitlements, person } = await standing(userId)
      return { until: subscription.until, entitlements, time_zone: person.time_zone }
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
    if (plan === freePlan || !(await planStore.find(tx, plan))) throw planNotFound({ plan })
    const last = (await store.periods(tx, [userId])).findLast(period => !isEnded(period))
    const isEndless = last !== undefined && last.until_at === null
    const from = last?.until_at ?? now()
    const until = isEndless ? null : new Date(Date.parse(from) + days * day_ms).toISOString()
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
    const { key, reason } = options
    await store.addGrant(tx, {
      id: newId(),
      user_id: userId,
      plan_id: plan,
      days,
      reason,
      key,
      until_at: until,
    })
    if (until !== null) await announce(tx, userId)
    return { plan, until }
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
    async limitsFor(user_id) {
      const { entitlements, time_zone } = await remembered(user_id)
      return limitsOf(entitlements, time_zone)
    },

    plans: () => planStore.list(rows),
    async plan(id) {
      const plan = await planStore.find(rows, id)
      if (!plan) throw planNotFound({ plan: id })
      return plan
    },
    async savePlan(plan) {
      rules.check(plan.entitlements)
      const saved = await planStore.save(rows, plan)
      await cache.invalidate(plansTag)
      return saved
    },
    async ofUser(userId) {
      const [{ subscription, overrides, entitlements, periods }, grants] = await Promise.all([
        standing(userId),
        store.grants(rows, userId, shownGrants),
      ])
      const upcoming = periods.filter(period => period.from_at > now())
      return { user_id: userId, ...subscription, overrides, entitlements, upcoming, grants }
    },
    async setUser(userId, { plan, until, overrides }) {
      rules.check(overrides)
      const at = now()
      if (until !== null && Date.parse(until) <= clock.now()) throw endInPast()
      await db.transaction(async tx => {
        await store.lockUser(tx, userId)
        if (!(await planStore.find(tx, plan))) throw planNotFound({ plan })
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

type GrantOptions = { reason: string; key: string }
type Remembered = { until: string | null; entitlements: Entitlements; time_zone: string }

const userTag = (userId: string) => `billing.user.${userId}`
const plansTag = 'billing.plans'
