import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Entitlements, Subscription } from './contract.ts'
import type { BillingService } from './service.ts'

const Name = z.string().max(50).regex(/\S/)
const Names = z.object({ 'zh-CN': Name, en: Name })
const PlanId = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/)

const Plan = z
  .object({
    id: z.string(),
    names: Names,
    entitlements: Entitlements.describe('What administrators set.'),
    declared: Entitlements.describe('What it gives where they set nothing.'),
    retired_at: z.string().nullable().describe('From then on nobody new comes onto it.'),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'Plan' })

const Subscriber = z
  .object({
    user_id: z.uuid(),
    username: z.string(),
    display_name: z.string(),
    avatar_url: z.string().nullable(),
    until: z.string().nullable().describe('When it ends. Null: never.'),
  })
  .meta({ id: 'PlanSubscriber' })

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
        granted_by_name: z.string().nullable().describe('The administrator who gave them, if one did.'),
        until_at: z.string().nullable(),
        taken_back_at: z.string().nullable().describe('When what was left of them was taken back.'),
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
  router.route({
    method: 'POST',
    path: '/api/v1/billing/users/:id/grants',
    access: 'billing.subscriptions.manage',
    summary: 'Give a user days of a plan, after those that are given already',
    params: z.object({ id: z.uuid() }),
    body: z.object({
      plan: PlanId,
      days: z.int().min(1).max(3660),
      reason: z.string().max(200).default(''),
    }),
    response: UserBilling,
    status: 201,
    idempotent: true,
    handler: ({ actor, params, body }) => service.giveDays(actor, params.id, body),
  })
}

function planRoutes(router: Router, service: BillingService): void {
  router.route({
    method: 'GET',
    path: '/api/v1/billing/plans',
    access: 'billing.plans.manage',
    summary: 'All plans',
    response: z.object({ items: z.array(Plan) }),
    handler: async () => ({ items: await service.allPlans() }),
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
    body: z.object({ names: Names, entitlements: Entitlements, is_retired: z.boolean().default(false) }),
    response: Plan,
    handler: ({ params, body }) => service.savePlan({ id: params.id, ...body }),
  })
  router.route({
    method: 'POST',
    path: '/api/v1/billing/plans',
    access: 'billing.plans.manage',
    summary: 'Make a plan',
    body: z.object({ id: PlanId, names: Names, entitlements: Entitlements }),
    response: Plan,
    status: 201,
    idempotent: true,
    handler: ({ body }) => service.createPlan(body),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/billing/plans/:id/subscribers',
    access: 'billing.subscriptions.manage',
    summary: 'Who is on a plan now. Nobody is listed for `free`, which is everyone else’s',
    params: z.object({ id: PlanId }),
    query: PageQuery,
    response: pageOf(Subscriber),
    handler: ({ params, query }) => service.subscribers(params.id, query.limit, query.cursor),
  })
}
