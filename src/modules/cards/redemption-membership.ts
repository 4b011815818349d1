import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { defineJob, type JobDefinition } from '#core/jobs/jobs.ts'
import type { Billing } from '#modules/billing/contract.ts'
import type { Notifications } from '#modules/notifications/contract.ts'
import { membershipGranted } from './redemption-notifications.ts'
import { redemptionStore as store } from './redemption-store.ts'
import type { RedemptionTables } from './redemption-tables.ts'

export type GrantJob = JobDefinition<{ redemption_id: string }>

/**
 * Gives the days of a plan that a card brings, once for each redemption. A job of its own, so that a plan that is gone
 * stops nobody else's reward and shows among the dead jobs.
 */
export const grantJob = ({
  db,
  billing,
  notifications,
}: {
  db: Db<RedemptionTables>
  billing: Pick<Billing, 'grantDays' | 'plans'>
  notifications: Pick<Notifications, 'notify'>
}): GrantJob =>
  defineJob({
    name: 'cards.grant_membership',
    schema: z.object({ redemption_id: z.uuid() }),
    async run({ redemption_id }) {
      const plans = await billing.plans()
      await db.transaction(async tx => {
        const redemption = await store.lock(tx, redemption_id)
        if (!redemption?.user_id || redemption.undone_at !== null) return
        const { name, rewards } = await store.templateOf(tx, redemption)
        if (!rewards.membership) return
        const { plan, days } = rewards.membership
        const { user_id } = redemption
        const { until } = await billing.grantDays(user_id, plan, days, {
          reason: `card: ${name}`,
          key: redemption_id,
          tx,
        })
        // To a plan for ever no days were added.
        if (until === null) return
        // One that was retired since is called by its id.
        const names = plans.find(({ id }) => id === plan)?.names
        await notifications.notify(
          user_id,
          membershipGranted,
          { name, days, plan_zh: names?.['zh-CN'] ?? plan, plan_en: names?.en ?? plan },
          // The redemption itself is told of by its id alone.
          { tx, key: `membership ${redemption_id}` },
        )
      })
    },
  })
