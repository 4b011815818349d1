import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
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

const settledAtOnce = 500

/** Tells others of redemptions: by the event, the notification, and the job that grants days of a plan. */
type Announce = (tx: Transaction<RedemptionTables>, ids: readonly string[]) => Promise<void>

export const createAnnounce =
  ({
    events,
    jobs,
    notifications,
    grant,
  }: Pick<Core, 'events' | 'jobs'> & {
    notifications: Pick<Notifications, 'notifyAll'>
    grant: GrantJob
  }): Announce =>
  async (tx, ids) => {
    const redemptions = await redemptionStore.holding(tx, ids)
    await events.publishAll(tx, CardRedeemed, redemptions.map(factsOf))
    const notices = redemptions.map(({ id, user_id, name }) => ({
      user_id,
      data: { redemption_id: id, name },
      key: id,
    }))
    await notifications.notifyAll(tx, cardRedeemed, notices)
    for (const { id, rewards } of redemptions)
      if (rewards.membership) await jobs.add(tx, grant, { redemption_id: id })
  }

/**
 * Redemptions that the version before `0003_announced` had sealed, but not told of: it left that to a job of this name,
 * which may wait in the queue, or be added by a process of that version that still runs. Nobody else tells of them.
 */
export const announceLeftJob = ({
  db,
  announce,
}: {
  db: Db<RedemptionTables>
  announce: Announce
}): JobDefinition<{ redemption_ids: string[] }> =>
  defineJob({
    name: 'cards.announce_redemptions',
    concurrency: 1,
    schema: z.object({ redemption_ids: z.array(z.uuid()) }),
    run: ({ redemption_ids }) => db.transaction(tx => announce(tx, redemption_ids)),
  })

/**
 * Moves uses of cards into the sealed log, counts them, and has redemptions announced: all in one transaction with
 * their removal from `cards_usage_pending`, so each once.
 */
export function settleJob({
  db,
  clock,
  identity,
  chain,
  announce,
}: Pick<Core, 'clock'> & {
  db: Db<RedemptionTables>
  identity: Pick<Identity, 'usersByIds'>
  chain: UsageChain
  announce: Announce
}): SettleJob {
  const settle = () =>
    db.transaction(async tx => {
      const uses = await withCities(await takePending(tx, settledAtOnce), identity)
      if (uses.length === 0) return { settled: 0, heads: [] }
      const heads = await seal(tx, uses, { chain, at: new Date(clock.now()).toISOString() })
      await count(tx, uses)
      const ids = uses.filter(use => use.action === 'redeemed').map(use => use.id)
      if (ids.length > 0) await announce(tx, ids)
      return { settled: uses.length, heads }
    })

  return defineJob({
    name: 'cards.settle_usage',
    schema: z.object({}) as z.ZodType<Record<string, never>>,
    // One at a time: the chains grow one after another anyway.
    concurrency: 1,
    async run(_, { signal, log }) {
      for (let settled = settledAtOnce; settled === settledAtOnce; ) {
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

const factsOf = ({ id: redemption_id, rewards: { points }, ...redemption }: RedeemedRow) => {
  const { user_id, batch_id, template_id, template_version, category, rarity } = redemption
  return { redemption_id, user_id, batch_id, template_id, template_version, category, rarity, points }
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
const settleWithin_ms = 250

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
