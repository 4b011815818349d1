import { isDeepStrictEqual } from 'node:util'
import type { Kysely, Transaction } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import { batchConsumer, type Occurrence } from '#core/events/events.ts'
import { defineJob, type Jobs } from '#core/jobs/jobs.ts'
import { CardRedeemed, type Cards, RedemptionUndone } from '#modules/cards/contract.ts'
import { DeviceClaimed, DevicePrimaryChosen, DeviceReleased } from './contract.ts'
import { isOwnDevice, othersUnlocked, ownersOfPrimary, primaryDevice } from './devices.ts'
import type { States } from './state.ts'
import type { DevicesTables } from './tables.ts'

/** The newest items only: what a device is told has to fit into its memory. */
const maxUnlocked = 150

/**
 * Writes what a user owns into `unlocked` of the primary device's desired state, and takes it from the user's others:
 * nobody would keep it true there. It is read anew each time, so the job may run late, twice, at once with another of
 * the same user, or in any order.
 */
export const unlockJob = (deps: { db: Db; states: States; cards: Pick<Cards, 'itemsOf'> }) =>
  defineJob({
    name: 'devices.unlock_items',
    schema: z.object({ user_id: z.uuid() }),
    async run({ user_id }, { signal }) {
      const db = deps.db.withTables<DevicesTables>().primary
      // A device that meanwhile went to somebody else, or became another one, is left alone.
      const still = (device_id: string, is_primary: boolean) => ({
        allowed: (rows: Kysely<DevicesTables>) => isOwnDevice(rows, { user_id, device_id, is_primary }),
      })
      const read = async () =>
        (await deps.cards.itemsOf(user_id))
          .slice(0, maxUnlocked)
          .map(({ id, template_id, category, name }) => ({ id, template_id, category, name }))

      const device = await primaryDevice(db, user_id)
      if (!device) return
      const write = (unlocked: Awaited<ReturnType<typeof read>>) =>
        deps.states.setDesired(
          null,
          device.device_id,
          ({ desired }) => (unlocked.length === 0 && !('unlocked' in desired) ? {} : { unlocked }),
          still(device.device_id, true),
        )
      // Whoever read later may have written earlier: what was written last has to be what is there to read after it.
      let written = await read()
      await write(written)
      for (let now = await read(); !isDeepStrictEqual(now, written); now = await read()) {
        signal.throwIfAborted()
        await write(now)
        written = now
      }
      // After the writing: a choice that came meanwhile is then seen, and what was written for the last one undone.
      for (const { device_id } of await othersUnlocked(db, user_id))
        await deps.states.setDesired(null, device_id, { unlocked: null }, still(device_id, false))
    },
  })

/** When the items of a user change, and when the user gets a device, or another one becomes the primary one. */
export const unlockConsumers = (deps: { jobs: Jobs; unlock: ReturnType<typeof unlockJob> }) => {
  const { jobs, unlock } = deps
  // A wave of cards of one user is one look at what the user owns. Whoever has no device gets it with the device.
  const look = async (occurrences: readonly Occurrence<{ user_id: string }>[], tx: Transaction<unknown>) => {
    const userIds = new Set(occurrences.map(({ payload }) => payload.user_id))
    for (const user_id of await ownersOfPrimary(tx.withTables<DevicesTables>(), [...userIds]))
      await jobs.add(tx, unlock, { user_id }, { key: user_id })
  }
  return [
    batchConsumer({ name: 'devices.unlock_redeemed', event: CardRedeemed, handle: look }),
    batchConsumer({ name: 'devices.lock_undone', event: RedemptionUndone, handle: look }),
    batchConsumer({ name: 'devices.unlock_on_claim', event: DeviceClaimed, handle: look }),
    batchConsumer({ name: 'devices.unlock_on_choice', event: DevicePrimaryChosen, handle: look }),
    // The next oldest takes the place of a primary device that is gone.
    batchConsumer({ name: 'devices.unlock_on_release', event: DeviceReleased, handle: look }),
  ]
}
