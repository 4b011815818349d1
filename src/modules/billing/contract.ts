import { z } from 'zod'
import type { Limit } from '#core/ai/limits.ts'
import type { Executor } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import { defineEvent } from '#core/events/events.ts'
import { contractKey, type PermissionDefinition } from '#core/module.ts'

export const EntitlementValue = z
  .union([z.int().min(0), z.boolean(), z.null()])
  .describe('How much, or whether at all. Null: without limit.')
export type EntitlementValue = z.output<typeof EntitlementValue>

/** By name: `ai.requests_per_day`. */
export const Entitlements = z.record(z.string(), EntitlementValue)
export type Entitlements = z.output<typeof Entitlements>

export const Subscription = z.object({
  plan: z.string(),
  until: z.string().nullable().describe('When it ends. Null: never.'),
})
export type Subscription = z.output<typeof Subscription>

/** The plan of everyone who has no other. */
export const freePlan = 'free'
export const vipPlan = 'vip'

export type Billing = {
  /**
   * Makes an entitlement known, with what it is on each plan unless administrators say otherwise. Plans that are not
   * named have what `free` has. Called in `setup`.
   */
  declare(name: string, values: { free: EntitlementValue } & Record<string, EntitlementValue>): void
  /**
   * What a user may use, all overrides considered. Null: without limit.
   * @throws {Error} for a name that nobody declared.
   */
  entitlement(user_id: string, name: string): Promise<EntitlementValue>
  entitlements(user_id: string): Promise<Entitlements>
  /** The plans that can be given, `free` among them: all but those retired. */
  plans(): Promise<readonly { id: string; names: Record<Locale, string> }[]>
  /** The plans that users are on now. */
  planOf(user_ids: readonly string[]): Promise<Map<string, string>>
  /**
   * Gives a user days of a plan, after those that are already given. The same `key` gives them once, and returns what
   * it returned the first time. `until` is null when the user has the plan, or another, for ever. Days of a retired
   * plan that were promised are given all the same.
   * @throws AppError `plan.not_found`, `subscription.end_too_far`
   */
  grantDays(
    user_id: string,
    plan: string,
    days: number,
    options: { reason: string; key: string; tx?: Executor },
  ): Promise<Subscription>
  /**
   * Takes back what is left of the days that a `key` gave; what follows them moves up. Null when it gave none, when
   * they were taken back before, or when nothing is left of them. `days` is how many, one begun counted whole.
   */
  takeBackDays(
    user_id: string,
    key: string,
    options: { tx: Executor },
  ): Promise<{ plan: string; days: number } | null>
  /** What the AI gateway holds a user to. */
  limitsFor(user_id: string): Promise<Limit[]>
}

export const billingKey = contractKey<Billing>('billing')

/** A user is on another plan from now on, or on the same until another time. */
export const SubscriptionChanged = defineEvent(
  'billing.subscription.changed',
  Subscription.extend({ user_id: z.uuid() }),
)

export const billingPermissions: readonly PermissionDefinition[] = [
  { name: 'billing.plans.manage', roles: ['admin'] },
  { name: 'billing.subscriptions.manage', roles: ['admin'] },
]
