import { defineModule } from '#core/module.ts'
import { billingKey } from '#modules/billing/contract.ts'
import { identityKey } from '#modules/identity/contract.ts'
import { adminPermissions } from './contract.ts'
import { healthRoutes } from './routes/health.ts'
import { modelRoutes } from './routes/models.ts'
import { providerRoutes } from './routes/providers.ts'
import { setupRoutes } from './routes/setup.ts'
import { spendCapRoutes } from './routes/spend-cap.ts'
import { usageRoutes } from './routes/usage.ts'

export default defineModule({
  name: 'admin',
  settings: {},
  permissions: adminPermissions,
  migrations: [],
  setup({ core, use }) {
    const identity = use(identityKey)
    const billing = use(billingKey)
    const { ai, mail, speech } = core
    // What the audience of a model may name: roles and plans.
    ai.useLabels(async user_id => {
      const [actor, plans] = await Promise.all([identity.actorFor(user_id), billing.planOf([user_id])])
      return [...(actor?.roles ?? []), ...plans.values()]
    })
    return {
      routes(router) {
        providerRoutes(router, ai)
        modelRoutes(router, ai)
        usageRoutes(router, { ai, identity })
        spendCapRoutes(router, ai)
        setupRoutes(router, { ai, mail, speech, identity })
        healthRoutes(router, core)
      },
    }
  },
})
