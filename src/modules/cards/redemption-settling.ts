import { z } from 'zod'
import type { Core } from '#core/core.ts'
import type { Db, Executor } from '#core/db/db.ts'
import { defineJob, type JobDefinition } from '#core/jobs/jobs.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { Notifications } from '#modules/notifications/contract.ts'
import { CardRedeemed } from './contract.ts'
import type { GrantJob } from './redemption-membership.ts'
import { cardRedeemed } from './redemption-notifications.ts'
import { type RedeemedRow, redemptionStore } from './redemption-store.ts'
import type { RedemptionTables } from './redemption-tables.ts'
import type { UsageChain } from './usage-chain.ts'
import { count, type PendingRow, seal, takePending } from './usage-sealing.ts'

export type SettleJob = JobDefinition<Record<string, never>>
export type AnnounceJob = JobDefinition<{ redemption_ids: string[] }>

const sealedAtOnce = 500
const announcedAtOnce = 100

/**
 * Tells others of redemptions: the event, the notification, and the job that grants days of a plan. The mark on the
 * redemption is in the same transaction, so each is told once however often this runs.
 */
export const announceJob = ({
  db,
  clock,
  events,
  jobs,
  notifications,
  grant,
}: Pick<Core, 'clock' | 'events' | 'jobs'> & {
  db: Db<RedemptionTables>
  notifications: Pick<Notifications, 'notify'>
  grant: GrantJob
}): AnnounceJob => {
  async function announce(tx: Executor, redemption: RedeemedRow) {
    const { id, user_id, batch_id, template_id, template_version, category, rarity, name, rewards } =
      redemption
    const { points } = rewards
    const facts = { user_id, batch_id, template_id, template_version, category, rarity, points }
    await events.publish(tx, CardRedeemed, { redemption_id: id, ...facts })
    await notifications.notify(user_id, cardRedeemed, { redemption_id: id, name }, { tx, key: id })
    if (rewards.membership) await jobs.add(tx, grant, { redemption_id: id })
  }
  return defineJob({
    name: 'cards.announce_redemptions',
    // A wave of redemptions must not fill all workers with what follows from it.
    concurrency: 1,
    schema: z.object({ redemption_ids: z.array(z.uuid()).max(announcedAtOnce) }),
    run: ({ redemption_ids }) =>
      db.transaction(async tx => {
        const at = new Date(clock.now()).toISOString()
        for (const redemption of await redemptionStore.announce(tx, redemption_ids, at))
          await announce(tx, redemption)
      }),
  })
}

/**
 * Moves uses of cards into the sealed log, counts them, and has redemptions announced: in one transaction with their
 * removal from `cards_usage_pending`, so each once.
 */
export function settleJob({
  db,
  clock,
  jobs,
  identity,
  chain,
  announce,
}: Pick<Core, 'clock' | 'jobs'> & {
  db: Db<RedemptionTables>
  identity: Pick<Identity, 'usersByIds'>
  chain: UsageChain
  announce: AnnounceJob
}): SettleJob {
  const settle = () =>
    db.transaction(async tx => {
      const uses = await withCities(await takePending(tx, sealedAtOnce), identity)
      if (uses.length === 0) return { settled: 0, heads: [] }
      const heads = await seal(tx, uses, { chain, at: new Date(clock.now()).toISOString() })
      await count(tx, uses)
      const ids = uses.filter(use => use.action === 'redeemed').map(use => use.id)
      for (let from = 0; from < ids.length; from += announcedAtOnce)
        await jobs.add(tx, announce, { redemption_ids: ids.slice(from, from + announcedAtOnce) })
      return { settled: uses.length, heads }
    })

  return defineJob({
    name: 'cards.settle_usage',
    schema: z.object({}) as z.ZodType<Record<string, never>>,
    // One at a time: the chains grow one after another anyway.
    concurrency: 1,
    async run(_, { signal, log }) {
      for (let settled = sealedAtOnce; settled === sealedAtOnce; ) {
        signal.throwIfAborted()
        const done = await settle()
        // In the log they lie outside the database: what was cut off there can still be missed.
        for (const { batch_id, last_seq, hash } of done.heads)
          log.info({ batch_id, seq: last_seq, hash: hash.toString('hex') }, 'usage log sealed')
        settled = done.settled
      }
    },
  })
}

/** Where no proxy said where a request came from, the city of the profile stands for it. */
async function withCities(
  uses: readonly PendingRow[],
  identity: Pick<Identity, 'usersByIds'>,
): Promise<PendingRow[]> {
  const ids = new Set(uses.filter(use => use.region === null).map(use => use.user_id))
  const users = await identity.usersByIds([...ids].filter(id => id !== null))
  return uses.map(use => ({
    ...use,
    region: use.region ?? (use.user_id === null ? null : cityName(users.get(use.user_id)?.city)),
  }))
}

/** “杭州市” and “杭州” are one city. */
function cityName(city: string | null | undefined): string | null {
  const name = city?.trim().replace(/市$/, '').slice(0, 40) ?? ''
  return name === '' ? null : name
}

/** Within this time after a use it is settled. */
const settleWithin_ms = 100

/**
 * Asks for the job soon after something was written to `cards_usage_pending`, at most once in the given time for each
 * process, whatever the load: the job that is due then sees all that was written until then. Should this process die
 * in between, the cron job finds what is left.
 */
export function createSettleSoon({
  db,
  clock,
  jobs,
  log,
  settle,
}: Pick<Core, 'clock' | 'jobs' | 'log'> & { db: Db<RedemptionTables>; settle: SettleJob }): () => void {
  let due = 0
  return () => {
    const now = clock.now()
    if (now < due) return
    due = now + settleWithin_ms
    jobs
      .add(db.primary, settle, {}, { run_at: new Date(due) })
      .catch((error: unknown) => log.warn({ error }, 'uses of cards will be settled within a minute only'))
  }
}
