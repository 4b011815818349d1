import type { Transaction } from 'kysely'
import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import { makePartitions } from '#core/db/partitions.ts'
import { type ConsumerDefinition, consumer, type Occurrence } from '#core/events/events.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { achievementsSettings } from './config.ts'
import { countFact, uncountFact } from './counting.ts'
import { localTime } from './days.ts'
import { historyStore, type NewFact } from './history-store.ts'
import type { RuleBooks } from './rule-book.ts'
import { type Source, sources } from './sources.ts'
import type { SurroundingsOf } from './surroundings.ts'
import type { AchievementsTables } from './tables.ts'
import { unlockStore } from './unlock-store.ts'
import type { Unlocking } from './unlocking.ts'

type Tx = Transaction<AchievementsTables>
type Happened = Occurrence<Record<string, unknown>>

/**
 * Takes what happened into the history and counts it. An event that comes twice, late, or in parallel with others of
 * the same user ends in the same tallies: its fact is stored once, and everything about a user happens one after another.
 */
export function createRecorder({
  db,
  clock,
  settings,
  identity,
  books,
  unlocking,
  surroundingsOf,
}: Pick<Core, 'clock'> & {
  db: Db<AchievementsTables>
  settings: Settings<typeof achievementsSettings>
  identity: Pick<Identity, 'timeZoneOf'>
  books: RuleBooks
  unlocking: Unlocking
  surroundingsOf: SurroundingsOf
}) {
  const knownMonths = new Set<string>()

  /** Late events may belong to a month that has no partition yet. */
  async function ensureMonth(occurredAt: string) {
    const month = occurredAt.slice(0, 7)
    if (knownMonths.has(month)) return
    await makePartitions(db.primary, 'achievements_fact', new Date(occurredAt))
    knownMonths.add(month)
  }

  const isTooOld = (occurredAt: string): boolean => {
    const oldest = new Date(clock.now())
    oldest.setUTCMonth(oldest.getUTCMonth() - settings.ACHIEVEMENTS_RETENTION_MONTHS, 1)
    return occurredAt < oldest.toISOString()
  }

  async function factOf(source: Source, { id, occurred_at, payload }: Happened): Promise<NewFact> {
    const user_id = source.user(payload)
    const { day, hour, weekday } = localTime(await identity.timeZoneOf(user_id), Date.parse(occurred_at))
    const fields = Object.fromEntries(source.fields.map(({ name }) => [name, fieldValue(payload[name])]))
    return {
      id,
      user_id,
      event: source.event.name,
      subject_id: source.subject?.(payload) ?? null,
      occurred_at,
      day,
      fields: { ...fields, hour, weekday },
      is_retracted: false,
    }
  }

  async function record(source: Source, occurrence: Happened, tx: Tx): Promise<void> {
    if (isTooOld(occurrence.occurred_at)) return
    await ensureMonth(occurrence.occurred_at)
    const fact = await factOf(source, occurrence)
    if (!(await historyStore.lockUser(tx, fact.user_id))) return
    const { user_id, subject_id } = fact
    const undoing = subject_id === null ? undefined : undoingEvent(source.event.name)
    if (undoing !== undefined)
      fact.is_retracted = await historyStore.hasFact(tx, { user_id, event: undoing, subject_id })
    const standing = await unlockStore.enter(tx, fact)
    if (standing === null || fact.is_retracted) return
    const book = await books.at(tx, standing.epoch)
    if (source.undoes !== undefined) {
      const undone = await historyStore.retract(tx, { user_id, event: source.undoes, subject_id })
      if (undone) {
        const around = await surroundingsOf(standing.unlocks)
        const rules = book.listening(undone.event)
        await uncountFact(tx, { userId: user_id, fact: undone, rules, unlocks: standing.unlocks, around })
      }
      return
    }
    await countFact(tx, unlocking, {
      userId: user_id,
      fact,
      rules: book.listening(fact.event),
      unlocks: standing.unlocks,
      around: surroundingsOf,
    })
  }

  const consumerOf = (source: Source): ConsumerDefinition =>
    consumer({
      name: `achievements.count_${source.event.name.replaceAll('.', '_')}`,
      event: source.event,
      handle: (occurrence, tx) => record(source, occurrence, tx.withTables<AchievementsTables>()),
    })

  return { consumers: sources.map(consumerOf) }
}

/** The event that undoes another one. */
const undoingEvent = (event: string): string | undefined =>
  sources.find(({ undoes }) => undoes === event)?.event.name

const fieldValue = (value: unknown): string | number | boolean | null =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
