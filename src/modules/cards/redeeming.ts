import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Router } from '#core/http/route.ts'
import type { Billing } from '#modules/billing/contract.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { Notifications } from '#modules/notifications/contract.ts'
import { watchJob } from './alerts.ts'
import { createAnalytics } from './analytics.ts'
import type { CodeHasher } from './codes.ts'
import { createCollection } from './collection.ts'
import { expireJob } from './expiry.ts'
import type { redemptionSettings } from './redemption-config.ts'
import { eraseDeletedUsers, eraseJob } from './redemption-erasure.ts'
import { grantJob } from './redemption-membership.ts'
import { announceLeftJob, createAnnounce, createSettleSoon, settleJob } from './redemption-settling.ts'
import type { RedemptionTables } from './redemption-tables.ts'
import { createRedemptions } from './redemptions.ts'
import { analyticsRoutes } from './routes/analytics.ts'
import { collectionRoutes } from './routes/collection.ts'
import { redemptionRoutes } from './routes/redemptions.ts'
import { usageRoutes } from './routes/usage.ts'
import { createUsage } from './usage.ts'
import { createUsageChain } from './usage-chain.ts'

/** The half of the module that begins where somebody enters a code. */
export function createRedeeming(deps: {
  core: Core
  settings: Settings<typeof redemptionSettings>
  hashers: readonly CodeHasher[]
  billing: Billing
  identity: Identity
  notifications: Notifications
}) {
  const { core, settings } = deps
  const db = core.db.withTables<RedemptionTables>()
  const log = core.log.child('cards')
  const chain = createUsageChain(core.keys.hmac)
  const common = { ...core, ...deps, db, log, chain }

  const grant = grantJob(common)
  const announce = createAnnounce({ ...common, grant })
  const announceLeft = announceLeftJob({ ...common, announce })
  const settle = settleJob({ ...common, announce })
  const settleSoon = createSettleSoon({ ...common, settle })
  const expire = expireJob({ ...common, settleSoon })
  const watch = watchJob(common)
  const erase = eraseJob(common)
  const redemptions = createRedemptions({ ...common, settleSoon })
  const collection = createCollection({ db })
  const usage = createUsage(common)
  const analytics = createAnalytics(common)
  return {
    itemsOf: collection.itemsOf,
    verifyUsage: usage.verifyAll,
    routes(router: Router) {
      redemptionRoutes(router, { redemptions, settings })
      collectionRoutes(router, collection)
      usageRoutes(router, usage)
      analyticsRoutes(router, analytics)
    },
    jobs: [grant, announceLeft, settle, expire, watch, erase],
    cron: [
      { name: 'cards.settle_usage', schedule: '* * * * *', job: settle },
      { name: 'cards.expire_cards', schedule: '0 0 * * *', job: expire },
      { name: 'cards.watch_attempts', schedule: '*/5 * * * *', job: watch },
    ],
    consumers: [eraseDeletedUsers({ ...core, erase })],
    partitioned: [{ table: 'cards_usage', retention_months: settings.CARDS_USAGE_RETENTION_MONTHS || null }],
  }
}
