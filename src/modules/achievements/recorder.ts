import type { Transaction } from 'kysely'
import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import { makePartitions } from '#core/db/partitions.ts'
import { type ConsumerDefinition, consumer, type Occurrence } from '#core/events/events.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { achievementsSettings } from './config.ts'
import { countFact, rangesAround, uncountFact } from './counting.ts'
import { localTime } from './days.ts'
import { historyStore, type NewFact, tallyStore } from './history-store.ts'
import { pointsStore } from './points-store.ts'
import type { RuleBook, RuleBooks } from './rule-book.ts'
import { type Source, sources } from './sources.ts'
import type { SurroundingsOf } from './surroundings.ts'
import type { AchievementsTables } from './tables.ts'
import type { Unlocked } from './unlock-store.ts'
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
    }
  }

  async function record(source: Source, occurrence: Happened, tx: Tx): Promise<void> {
    if (isTooOld(occurrence.occurred_at)) return
    await ensureMonth(occurrence.occurred_at)
    const fact = await factOf(source, occurrence)
    const { user_id: userId, event } = fact
    const expected = await books.expected(tx)
    const ranges = rangesAround(expected.listening(event), fact)
    const entered = await historyStore.enter(tx, fact, { undoing: undoingEvent(event), ranges })
    if (!entered || entered.is_retracted) return
    await bookCard(source, occurrence, fact, tx)
    const { epoch, unlocked } = entered
    const book = await books.at(tx, epoch)
    if (source.undoes !== undefined) return undo(tx, source.undoes, fact, { book, unlocked })
    const rules = book.listening(event)
    const amounts =
      book === expected ? entered.amounts : await tallyStore.read(tx, userId, rangesAround(rules, fact))
    await countFact(tx, unlocking, { userId, fact, rules, unlocked, amounts, around: surroundingsOf })
  }

  /** Gives the points that a card brings, or takes them back. */
  async function bookCard(source: Source, { payload }: Happened, { user_id, subject_id }: NewFact, tx: Tx) {
    if (subject_id === null) return
    const at = new Date(clock.now()).toISOString()
    const card = source.card?.(payload)
    if (card && card.points > 0)
      await pointsStore.grant(tx, user_id, { redemption_id: subject_id, ...card, at })
    if (source.undoes !== undefined)
      await pointsStore.takeBack(tx, user_id, { redemption_id: subject_id, at })
  }

  async function undo(
    tx: Tx,
    event: string,
    { user_id, subject_id }: NewFact,
    { book, unlocked }: { book: RuleBook; unlocked: Unlocked },
  ) {
    const fact = await historyStore.retract(tx, { user_id, event, subject_id })
    if (!fact) return
    const around = await surroundingsOf(unlocked)
    await uncountFact(tx, { userId: user_id, fact, rules: book.listening(event), unlocked, around })
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
const undoingEvent = (event: string): string | null =>
  sources.find(({ undoes }) => undoes === event)?.event.name ?? null

const fieldValue = (value: unknown): string | number | boolean | null =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
