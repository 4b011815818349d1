import { defineModule } from '#core/module.ts'
import { billingKey } from '#modules/billing/contract.ts'
import { identityKey } from '#modules/identity/contract.ts'
import { notificationsKey } from '#modules/notifications/contract.ts'
import { cardsSettings } from './config.ts'
import { type Cards, permissions } from './contract.ts'
import { createMaking } from './making.ts'
import { migration as cards0001 } from './migrations/0001_cards.ts'
import { migration as cards0002 } from './migrations/0002_redemptions.ts'
import { migration as cards0003 } from './migrations/0003_announced.ts'
import { migration as cards0004 } from './migrations/0004_schema_order.ts'
import { createRedeeming } from './redeeming.ts'

export default defineModule({
  name: 'cards',
  settings: cardsSettings,
  permissions,
  migrations: [cards0001, cards0002, cards0003, cards0004],
  setup({ core, settings, use }) {
    const billing = use(billingKey)
    const identity = use(identityKey)
    const making = createMaking({ core, settings, billing, identity })
    const redeeming = createRedeeming({
      core,
      settings,
      hashers: making.hashers,
      billing,
      identity,
      notifications: use(notificationsKey),
    })
    const { itemsOf, verifyUsage } = redeeming
    const { setSizes, templateNames } = making
    const contract: Cards = { itemsOf, setSizes, templateNames, verifyUsage }
    return {
      contract,
      routes(router) {
        making.routes(router)
        redeeming.routes(router)
      },
      channels: making.channels,
      jobs: [...making.jobs, ...redeeming.jobs],
      cron: [...making.cron, ...redeeming.cron],
      consumers: redeeming.consumers,
      partitioned: redeeming.partitioned,
    }
  },
})
