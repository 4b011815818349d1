import type { Generated, JSONColumnType } from 'kysely'
import type { Locale } from '#core/errors.ts'
import type { Entitlements } from './contract.ts'

export type BillingTables = {
  billing_plan: {
    id: string
    names: JSONColumnType<Record<Locale, string>>
    /** What administrators set; for all other names the declared values hold. */
    entitlements: JSONColumnType<Entitlements>
    /** From then on nobody new comes onto it; what was given or promised holds. */
    retired_at: string | null
    created_at: Generated<string>
    updated_at: Generated<string>
  }
  /** Stretches of time that a user is on a plan. Those of one user never overlap. */
  billing_subscription: {
    id: string
    user_id: string
    plan_id: string
    from_at: string
    until_at: string | null
    /** Set once its end has been announced. */
    is_over: Generated<boolean>
    created_at: Generated<string>
  }
  billing_override: {
    user_id: string
    entitlements: JSONColumnType<Entitlements>
    updated_at: Generated<string>
  }
  /** The ledger of days given: rows are only ever added, and marked when their days are taken back. */
  billing_grant: {
    id: string
    user_id: string
    plan_id: string
    days: number
    reason: string
    key: string
    /** The administrator who gave them by hand. */
    granted_by: string | null
    until_at: string | null
    taken_back_at: Generated<string | null>
    created_at: Generated<string>
  }
}
