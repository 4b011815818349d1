import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import { Entitlements, Subscription } from './contract.ts'
import type { BillingService } from './service.ts'

const Names = z.object({ 'zh-CN': z.string().min(1).max(50), en: z.string().min(1).max(50) })
const PlanId = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/)

const Plan = z
  .object({
    id: z.string(),
    names: Names,
    entitlements: Entitlements,
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'Plan' })

const MyBilling = Subscription.extend({ names: Names, entitlements: Entitlements }).meta({ id: 'MyBilling' })

const UserBilling = Subscription.extend({
  user_id: z.uuid(),
  overrides: Entitlements,
  entitlements: Entitlements.describe('What plan and overrides come to.'),
  upcoming: z.array(z.object({ plan_id: z.string(), from_at: z.string(), until_at: z.string().nullable() })),
  grants: z
    .array(
      z.object({
        plan_id: z.string(),
        days: z.int(),
        reason: z.string(),
        until_at: z.string().nullable(),
        created_at: z.string(),
      }),
    )
    .describe('The latest 20.'),
}).meta({ id: 'UserBilling' })

export function billingRoutes(router: Router, service: BillingService): void {
  router.route({
    method: 'GET',
    path: '/api/v1/billing/me',
    access: 'signed_in',
    summary: 'Own plan and what it allows',
    response: MyBilling,
    async handler({ actor }) {
      const { plan, until, entitlements } = await service.ofUser(actor.user_id)
      const { names } = await service.plan(plan)
      return { plan, until, names, entitlements }
    },
  })
  planRoutes(router, service)
  router.route({
    method: 'GET',
    path: '/api/v1/billing/users/:id',
    access: 'billing.subscriptions.manage',
    summary: 'A user’s plan, overrides and grants',
    params: z.object({ id: z.uuid() }),
    response: UserBilling,
    handler: ({ params }) => service.ofUser(params.id),
  })
  router.route({
    method: 'PUT',
    path: '/api/v1/billing/users/:id',
    access: 'billing.subscriptions.manage',
    summary: 'Set a user’s plan, its end and the overrides',
    params: z.object({ id: z.uuid() }),
    body: z.object({
      plan: PlanId,
      until: z.iso.datetime({ offset: true }).nullable(),
      overrides: Entitlements,
    }),
    response: UserBilling,
    handler: ({ params, body }) => service.setUser(params.id, body),
  })
}

function planRoutes(router: Router, service: BillingService): void {
  router.route({
    method: 'GET',
    path: '/api/v1/billing/plans',
    access: 'billing.plans.manage',
    summary: 'All plans',
    response: z.object({ items: z.array(Plan) }),
    handler: async () => ({ items: await service.plans() }),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/billing/plans/:id',
    access: 'billing.plans.manage',
    summary: 'A plan as administrators set it',
    params: z.object({ id: PlanId }),
    response: Plan,
    handler: ({ params }) => service.plan(params.id),
  })
  router.route({
    method: 'PUT',
    path: '/api/v1/billing/plans/:id',
    access: 'billing.plans.manage',
    summary: 'Make or replace a plan. Entitlements left out are as the products declare them',
    params: z.object({ id: PlanId }),
    body: z.object({ names: Names, entitlements: Entitlements }),
    response: Plan,
    handler: ({ params, body }) => service.savePlan({ id: params.id, ...body }),
  })
}
