import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import type { Locale } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import type { Progress } from './contract.ts'
import { isComplete } from './counting.ts'
import { addDays, type Day, localTime } from './days.ts'
import { type DefinitionRow, definitionStore } from './definition-store.ts'
import { mostAchievements } from './definitions.ts'
import { fractionTo, measured, type Surroundings } from './evaluate.ts'
import { type Range, tallyStore } from './history-store.ts'
import { leaderboardStore } from './leaderboard-store.ts'
import { isRank, type Rule } from './rule.ts'
import { statisticStore } from './statistic-store.ts'
import type { SurroundingsOf } from './surroundings.ts'
import type { AchievementsTables } from './tables.ts'
import { addEntry, always, best, daysAround, type Tally, valueNow } from './tally.ts'
import { hasUnlocked, type Unlock, type Unlocked, unlockedOf, unlockStore } from './unlock-store.ts'

export type ProgressService = ReturnType<typeof createProgress>

/** How far a user is with everything, by five queries however many achievements there are. */
export function createProgress({
  db,
  clock,
  surroundingsOf,
}: Pick<Core, 'clock'> & { db: Db<AchievementsTables>; surroundingsOf: SurroundingsOf }) {
  return async ({ user_id, time_zone }: Actor, locale: Locale) => {
    const rows = await definitionStore.list(db.primary, { isEnabled: true, limit: mostAchievements })
    const [unlocks, standing, holders] = await Promise.all([
      unlockStore.list(db.primary, user_id),
      leaderboardStore.find(db.primary, user_id),
      db.read(user_id, statisticStore.latestShares),
    ])
    const unlocked = unlockedOf(unlocks)
    const around = await surroundingsOf(unlocked)
    const { day } = localTime(time_zone, clock.now())
    const tallies = await readTallies(db, user_id, rows, day)
    const items = rows.map(row => {
      const values = valuesOf(row.rule, condition => tallies(row.version_id, condition), day, around)
      return view(row, values, { unlocks, unlocked, locale, shares: holders })
    })
    return {
      points: standing?.points ?? 0,
      unlocked: new Set(unlocks.map(unlock => unlock.achievement_id)).size,
      items,
    }
  }
}

async function readTallies(
  db: Db<AchievementsTables>,
  userId: string,
  rows: readonly DefinitionRow[],
  today: Day,
) {
  const ranges: Range[] = rows.flatMap(({ version_id, rule }) =>
    rule.conditions.flatMap((condition, i) => {
      const [from, to] = daysAround(condition, rule, i, today)
      // A streak that was not broken yesterday goes on.
      const wanted = { version_id, condition: i, from: from === always ? from : addDays(from, -1), to }
      return rule.conditions.length === 1 ? [wanted] : [wanted, { ...wanted, from: best, to: best }]
    }),
  )
  const tallies = new Map<string, Tally>()
  for (const { version_id, ...entry } of await tallyStore.read(db.primary, userId, ranges)) {
    const key = `${version_id} ${entry.condition}`
    const tally = tallies.get(key) ?? new Map()
    addEntry(tally, entry)
    tallies.set(key, tally)
  }
  return (versionId: string, condition: number): Tally =>
    tallies.get(`${versionId} ${condition}`) ?? new Map()
}

/** What each condition comes to now. Where several have to be met, each at its own time, the best there was. */
const valuesOf = (rule: Rule, tallyOf: (condition: number) => Tally, today: Day, around: Surroundings) =>
  rule.conditions.map((condition, i) => {
    const tally = tallyOf(i)
    const now = measured(condition, valueNow(condition, tally, today), around)
    return isRank(condition) ? now : Math.max(now, tally.get('')?.get(best) ?? 0)
  })

function view(
  row: DefinitionRow,
  values: readonly number[],
  {
    unlocks,
    unlocked,
    locale,
    shares,
  }: {
    unlocks: readonly Unlock[]
    unlocked: Unlocked
    locale: Locale
    shares: ReadonlyMap<string, number>
  },
): Progress {
  const { rule } = row
  const own = unlocks.filter(unlock => unlock.achievement_id === row.id)
  const isSecret = row.is_hidden && own.length === 0
  const live = { achievement_id: row.id, version_id: row.version_id, number: row.number, rule }
  return {
    achievement_id: row.id,
    is_hidden: row.is_hidden,
    is_secret: isSecret,
    name: isSecret ? null : row.names[locale],
    description: isSecret ? null : row.descriptions[locale],
    icon: isSecret ? null : row.icon,
    match: rule.match,
    // What is complete is counted no further.
    conditions:
      isSecret || isComplete(live, unlocked)
        ? []
        : rule.conditions.map((condition, i) => ({ condition, value: values[i] ?? 0 })),
    tiers: isSecret
      ? []
      : rule.tiers.map(tier => {
          const isUnlocked = hasUnlocked(unlocked, row.id, tier.tier)
          return {
            ...tier,
            fraction: isUnlocked ? 1 : fractionTo(rule, tier, values),
            unlocked_at: own.find(unlock => unlock.tier === tier.tier)?.unlocked_at ?? null,
            holders_percent: shares.get(`${row.id} ${tier.tier}`) ?? null,
          }
        }),
  }
}
