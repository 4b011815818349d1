import { z } from 'zod'
import { defaultTimeZone } from '#core/clock.ts'
import { consumer } from '#core/events/events.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import { defineModule } from '#core/module.ts'
import { identityKey, UserDeleted } from '#modules/identity/contract.ts'
import { billingPermissions, SubscriptionChanged } from './contract.ts'
import { migration as billing } from './migrations/0001_billing.ts'
import { migration as retiredPlans } from './migrations/0002_retired_plans.ts'
import { migration as daysTakenBack } from './migrations/0003_days_taken_back.ts'
import { billingRoutes } from './routes.ts'
import { createBillingService } from './service.ts'
import { subscriptionStore } from './store.ts'
import type { BillingTables } from './tables.ts'

export default defineModule({
  name: 'billing',
  settings: {},
  permissions: billingPermissions,
  migrations: [billing, retiredPlans, daysTakenBack],
  setup({ core, use }) {
    const identity = use(identityKey)
    const service = createBillingService({
      ...core,
      db: core.db.withTables<BillingTables>(),
      people: {
        find: identity.usersByIds,
        isVip: identity.isVip,
        setVip: identity.setVip,
        marked: identity.vipUserIds,
      },
      defaultTimeZone,
    })
    core.ai.useLimits(service.limitsFor)
    const expire = defineJob({
      name: 'billing.expire_subscriptions',
      schema: z.object({}),
      async run(_, { signal }) {
        while (!signal.aborted && (await service.expire()) > 0);
      },
    })
    return {
      contract: service,
      routes: router => billingRoutes(router, service),
      jobs: [expire],
      cron: [{ name: 'billing.expire_subscriptions', schedule: '*/5 * * * *', job: expire }],
      consumers: [
        consumer({
          name: 'billing.forget_standing',
          event: SubscriptionChanged,
          handle: ({ payload }) => service.forget(payload.user_id),
        }),
        consumer({
          name: 'billing.forget_user',
          event: UserDeleted,
          async handle({ payload }, tx) {
            await subscriptionStore.deleteUser(tx.withTables<BillingTables>(), payload.user_id)
          },
        }),
      ],
    }
  },
})
