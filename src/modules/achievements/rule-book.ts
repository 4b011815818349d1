import type { Kysely } from 'kysely'
import { eventsOf, type Rule } from './rule.ts'
import type { AchievementsTables } from './tables.ts'

/** A rule that holds now, with the achievement that it belongs to. */
export type LiveRule = {
  version_id: string
  achievement_id: string
  number: number
  rule: Rule
}

export type RuleBook = {
  epoch: number
  all: readonly LiveRule[]
  /** The rules that an event may concern. */
  listening(event: string): readonly LiveRule[]
}

type Rows = Kysely<AchievementsTables>

/**
 * The rules of all enabled achievements, remembered until something of them changes. Whoever counts reads the epoch
 * after having locked the user; a replay locks the user too, after its version was committed. So a fact is counted by
 * the new version either here or there, and never missed by both.
 */
export function createRuleBooks() {
  let latest: RuleBook | null = null
  return {
    async at(tx: Rows, epoch: number): Promise<RuleBook> {
      if (latest?.epoch === epoch) return latest
      const book = await readBook(tx)
      if (latest === null || book.epoch > latest.epoch) latest = book
      return book
    },
    async now(db: Rows): Promise<RuleBook> {
      return this.at(db, await readEpoch(db))
    },
    /** What was read last, without a query: mostly what holds now. */
    async expected(db: Rows): Promise<RuleBook> {
      return latest ?? this.now(db)
    },
  }
}
export type RuleBooks = ReturnType<typeof createRuleBooks>

const readEpoch = async (db: Rows): Promise<number> =>
  (await db.selectFrom('achievements_epoch').select('number').executeTakeFirstOrThrow()).number

/** What is counted has changed: part of the change's transaction. */
export async function turnEpoch(tx: Rows): Promise<void> {
  await tx
    .updateTable('achievements_epoch')
    .set(({ eb }) => ({ number: eb('number', '+', 1) }))
    .execute()
}

async function readBook(tx: Rows): Promise<RuleBook> {
  // The epoch first: rules of a later epoch under an earlier number are only read again.
  const epoch = await readEpoch(tx)
  const all = await tx
    .selectFrom('achievements_achievement as achievement')
    .innerJoin('achievements_version as version', 'version.id', 'achievement.version_id')
    .select(['version.id as version_id', 'version.achievement_id', 'version.number', 'version.rule'])
    .where('achievement.is_enabled', '=', true)
    .orderBy('version.id')
    .execute()
  const byEvent = new Map<string, LiveRule[]>()
  for (const live of all)
    for (const event of eventsOf(live.rule)) byEvent.set(event, [...(byEvent.get(event) ?? []), live])
  return { epoch, all, listening: event => byEvent.get(event) ?? [] }
}
