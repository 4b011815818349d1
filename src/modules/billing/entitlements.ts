import type { Limit } from '#core/ai/limits.ts'
import { type Entitlements, type EntitlementValue, freePlan, vipPlan } from './contract.ts'
import { unknownEntitlement, wrongEntitlement } from './errors.ts'

/** The entitlements that billing itself knows: what the AI gateway counts. */
const aiEntitlements = {
  'ai.requests_per_day': { metric: 'requests', period: 'day', free: 200, vip: 2_000 },
  'ai.requests_per_month': { metric: 'requests', period: 'month', free: 3_000, vip: 40_000 },
  'ai.tokens_per_day': { metric: 'tokens', period: 'day', free: 1_000_000, vip: 10_000_000 },
  'ai.tokens_per_month': { metric: 'tokens', period: 'month', free: 10_000_000, vip: 200_000_000 },
  'ai.cost_micros_per_day': { metric: 'cost_micros', period: 'day', free: null, vip: null },
  'ai.cost_micros_per_month': { metric: 'cost_micros', period: 'month', free: null, vip: null },
} as const satisfies Record<string, Pick<Limit, 'metric' | 'period'> & Record<'free' | 'vip', number | null>>

type Declared = { free: EntitlementValue } & Record<string, EntitlementValue>

/** What is known of entitlements in this process, and what they come to for a user. */
export type EntitlementRules = {
  declare(name: string, values: Declared): void
  isDeclared(name: string): boolean
  /** Everything declared: the user's overrides, then the plan as administrators set it, then the declared values. */
  resolve(plan: { id: string; entitlements: Entitlements }, overrides: Entitlements): Entitlements
  /** @throws AppError `entitlement.unknown`, `entitlement.wrong_type` */
  check(entitlements: Entitlements): void
}

export function createEntitlementRules(): EntitlementRules {
  const declared = new Map<string, Declared>()
  for (const [name, { free, vip }] of Object.entries(aiEntitlements)) {
    declared.set(name, { [freePlan]: free, [vipPlan]: vip })
  }
  return {
    declare(name, values) {
      if (declared.has(name)) throw new Error(`The entitlement ${name} is declared twice`)
      declared.set(name, values)
    },
    isDeclared: name => declared.has(name),
    resolve(plan, overrides) {
      const entitlements: Entitlements = {}
      for (const [name, values] of declared) {
        const found = [overrides[name], plan.entitlements[name], values[plan.id]].find(
          value => value !== undefined,
        )
        entitlements[name] = found === undefined ? values.free : found
      }
      return entitlements
    },
    check(entitlements) {
      for (const [name, value] of Object.entries(entitlements)) {
        const values = declared.get(name)
        if (!values) throw unknownEntitlement({ name })
        const expected = Object.values(values).some(known => typeof known === 'boolean')
          ? 'boolean'
          : 'number'
        if (value !== null && typeof value !== expected) throw wrongEntitlement({ name, expected })
      }
    },
  }
}

/** The limits that entitlements put on the AI gateway. */
export function limitsOf(entitlements: Entitlements, time_zone: string): Limit[] {
  const limits: Limit[] = []
  for (const [name, { metric, period }] of Object.entries(aiEntitlements)) {
    const max = entitlements[name]
    if (typeof max === 'number') limits.push({ metric, period, max, time_zone })
  }
  return limits
}
