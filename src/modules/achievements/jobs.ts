import { z } from 'zod'
import { type Clock, dayIn, defaultTimeZone } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import type { achievementsSettings } from './config.ts'
import { countPlace, placesOf } from './counting.ts'
import { addDays } from './days.ts'
import { definitionStore } from './definition-store.ts'
import { historyStore } from './history-store.ts'
import { leaderboardStore } from './leaderboard-store.ts'
import { previewStore } from './preview-store.ts'
import type { RuleBooks } from './rule-book.ts'
import { statisticStore } from './statistic-store.ts'
import type { SurroundingsOf } from './surroundings.ts'
import type { AchievementsTables } from './tables.ts'
import type { Unlocking } from './unlocking.ts'

const batch = 2_000
/** Days without the server that the statistics make up for. */
const longestGap = 31
/** No condition looks further back than its longest goal, 1000 days. */
const tallyDays = 1_100

/** Nightly: counts yesterday's unlocks, gives what the leaderboard has earned, and clears away what nobody needs. */
export const statisticsJob = ({
  db,
  clock,
  settings,
  books,
  unlocking,
  surroundingsOf,
}: {
  db: Db<AchievementsTables>
  clock: Clock
  settings: Settings<typeof achievementsSettings>
  books: RuleBooks
  unlocking: Unlocking
  surroundingsOf: SurroundingsOf
}) => {
  async function countDays(signal: AbortSignal) {
    const today = dayIn(defaultTimeZone, clock.now())
    const last = await statisticStore.lastDay(db.primary)
    const earliest = addDays(today, -longestGap)
    let day = last === null ? addDays(today, -1) : last < earliest ? earliest : last
    const ids = await definitionStore.ids(db.primary)
    const users = await historyStore.countUsers(db.primary)
    for (; day < today; day = addDays(day, 1))
      for (const id of ids) {
        signal.throwIfAborted()
        await statisticStore.count(db.primary, id, { day, timeZone: defaultTimeZone, users })
      }
  }

  async function rewardTop(signal: AbortSignal) {
    const { all } = await books.now(db.primary)
    for (const live of all) {
      const index = live.rule.conditions.findIndex(({ type }) => type === 'top')
      if (index < 0) continue
      for (const { user_id, rank } of await leaderboardStore.top(db.primary, placesOf(live.rule, index))) {
        signal.throwIfAborted()
        await db.transaction(async tx => {
          if (!(await historyStore.lockUser(tx, user_id))) return
          const at = new Date(clock.now()).toISOString()
          const around = surroundingsOf
          await countPlace(tx, unlocking, { userId: user_id, live, index, place: rank, at, around })
        })
      }
    }
  }

  async function clear(signal: AbortSignal) {
    const today = dayIn(defaultTimeZone, clock.now())
    const oldest = addDays(today, -tallyDays)
    for (const { version_id, is_live } of await definitionStore.talliedVersions(db.primary)) {
      const before = is_live ? oldest : null
      while (
        !signal.aborted &&
        (await definitionStore.clearTallies(db.primary, version_id, before, batch)) > 0
      );
    }
    while (!signal.aborted && (await previewStore.deleteOld(db.primary, batch)) > 0);
    await statisticStore.deleteOld(db.primary, addDays(today, -31 * settings.ACHIEVEMENTS_RETENTION_MONTHS))
  }

  return defineJob({
    name: 'achievements.update_statistics',
    schema: z.object({}),
    timeout_ms: 3_600_000,
    async run(_payload, { signal }) {
      await countDays(signal)
      await rewardTop(signal)
      await clear(signal)
    },
  })
}

/** Erases the history of a user who was deleted, bit by bit. */
export const eraseJob = ({ db }: { db: Db<AchievementsTables> }) =>
  defineJob({
    name: 'achievements.erase_user',
    schema: z.object({ user_id: z.uuid() }),
    async run({ user_id }, { signal }) {
      while (!signal.aborted && (await historyStore.eraseOf(db.primary, user_id, batch)) > 0);
      signal.throwIfAborted()
    },
  })
