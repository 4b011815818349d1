import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { consumer, type Occurrence } from '#core/events/events.ts'
import { defineJob, type Jobs } from '#core/jobs/jobs.ts'
import { CardRedeemed, type Cards, RedemptionUndone } from '#modules/cards/contract.ts'
import { DeviceClaimed } from './contract.ts'
import { primaryDevice } from './devices.ts'
import type { States } from './state.ts'
import type { DevicesTables } from './tables.ts'

/** The newest items only: what a device is told has to fit into its memory. */
const maxUnlocked = 150

/**
 * Writes what a user owns into `unlocked` of the primary device's desired state. It is read anew each time, so the job
 * may run late, twice, or in any order.
 */
export const unlockJob = (deps: { db: Db; states: States; cards: Pick<Cards, 'itemsOf'> }) =>
  defineJob({
    name: 'devices.unlock_items',
    schema: z.object({ user_id: z.uuid() }),
    async run({ user_id }) {
      const device = await primaryDevice(deps.db.withTables<DevicesTables>().primary, user_id)
      if (!device) return
      const items = await deps.cards.itemsOf(user_id)
      const unlocked = items
        .slice(0, maxUnlocked)
        .map(({ id, template_id, category, name }) => ({ id, template_id, category, name }))
      await deps.states.setDesired(null, device.device_id, ({ desired }) =>
        unlocked.length === 0 && !('unlocked' in desired) ? {} : { unlocked },
      )
    },
  })

/** When the items of a user change, and when the user gets a device. */
export const unlockConsumers = (deps: { jobs: Jobs; unlock: ReturnType<typeof unlockJob> }) => {
  const { jobs, unlock } = deps
  // A wave of cards of one user is one look at what the user owns. Whoever has no device gets it with the device.
  const look = async (
    { payload: { user_id } }: Occurrence<{ user_id: string }>,
    tx: Transaction<unknown>,
  ) => {
    if (await primaryDevice(tx.withTables<DevicesTables>(), user_id))
      await jobs.add(tx, unlock, { user_id }, { key: user_id })
  }
  return [
    consumer({ name: 'devices.unlock_redeemed', event: CardRedeemed, handle: look }),
    consumer({ name: 'devices.lock_undone', event: RedemptionUndone, handle: look }),
    consumer({ name: 'devices.unlock_on_claim', event: DeviceClaimed, handle: look }),
  ]
}
