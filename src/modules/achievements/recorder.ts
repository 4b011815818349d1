import type { Transaction } from 'kysely'
import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Db } from '#core/db/db.ts'
import { makePartitions } from '#core/db/partitions.ts'
import { batchConsumer, type ConsumerDefinition, type Occurrence } from '#core/events/events.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { achievementsSettings } from './config.ts'
import { type Count, countFacts, rangesAround, takePlaces, uncountFact } from './counting.ts'
import { localTime } from './days.ts'
import { historyStore, type NewFact, tallyStore, type UserAmount } from './history-store.ts'
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

  async function record(source: Source, occurrences: readonly Happened[], tx: Tx): Promise<void> {
    const happened: NewAndCard[] = []
    for (const occurrence of new Map(occurrences.map(one => [one.id, one])).values()) {
      if (isTooOld(occurrence.occurred_at)) continue
      await ensureMonth(occurrence.occurred_at)
      happened.push({
        fact: await factOf(source, occurrence),
        card: source.card?.(occurrence.payload) ?? null,
      })
    }
    happened.sort((a, b) => a.fact.occurred_at.localeCompare(b.fact.occurred_at))
    const waves = wavesOf(happened)
    // Each wave locks its users in a fixed order, but not those of the next one.
    if (waves.length > 1)
      await historyStore.lockUsers(
        tx,
        happened.map(({ fact }) => fact.user_id),
      )
    for (const wave of waves) await recordWave(source, wave, tx)
  }

  /** Facts in the order in which they happened, each user's of one day. */
  async function recordWave(source: Source, wave: readonly NewAndCard[], tx: Tx): Promise<void> {
    const event = source.event.name
    const expected = await books.expected(tx)
    const facts = wave.map(({ fact }) => fact)
    const ranges = new Map(
      [...Map.groupBy(facts, fact => fact.day)].map(([day, some]) => [
        day,
        rangesAround(expected.listening(event), some),
      ]),
    )
    const changed: UserAmount[] = []
    const all = await historyStore.enter(tx, event, facts, { undoing: undoingEvent(event), ranges })
    const book = all[0] ? await books.at(tx, all[0].epoch) : expected
    const rules = book.listening(event)
    const counts: Count[] = []
    for (const { user_id, ids, ...entered } of all) {
      const fresh = wave.filter(({ fact }) => ids.includes(fact.id))
      for (const one of fresh) await bookCard(source, one, tx)
      const unlocked: Unlocked = new Set(entered.unlocked)
      const own = fresh.map(({ fact }) => fact)
      if (source.undoes !== undefined) {
        for (const fact of own) await undo(tx, source.undoes, fact, { book, unlocked })
        continue
      }
      const amounts =
        book === expected ? entered.amounts : await tallyStore.read(tx, user_id, rangesAround(rules, own))
      counts.push({ userId: user_id, facts: own, rules, unlocked, amounts, around: surroundingsOf })
    }
    const places = await takePlaces(tx, facts, counts)
    for (const count of counts)
      for (const amount of await countFacts(tx, unlocking, count, places))
        changed.push({ ...amount, user_id: count.userId })
    await tallyStore.write(tx, changed)
  }

  /** Gives the points that a card brings, or takes them back. */
  async function bookCard(source: Source, { fact: { user_id, subject_id }, card }: NewAndCard, tx: Tx) {
    if (subject_id === null) return
    const at = new Date(clock.now()).toISOString()
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
    batchConsumer({
      name: `achievements.count_${source.event.name.replaceAll('.', '_')}`,
      event: source.event,
      handle: (occurrences, tx) => record(source, occurrences, tx.withTables<AchievementsTables>()),
    })

  return { consumers: sources.map(consumerOf) }
}

type NewAndCard = { fact: NewFact; card: ReturnType<NonNullable<Source['card']>> | null }

/** In their order, parted where a user's next day begins: mostly all are of today. */
function wavesOf(happened: readonly NewAndCard[]): NewAndCard[][] {
  const waves: NewAndCard[][] = []
  let wave: NewAndCard[] = []
  let dayOf = new Map<string, string>()
  for (const one of happened) {
    const { user_id, day } = one.fact
    if (waves.length === 0 || (dayOf.get(user_id) ?? day) !== day) {
      wave = []
      waves.push(wave)
      dayOf = new Map()
    }
    dayOf.set(user_id, day)
    wave.push(one)
  }
  return waves
}

/** The event that undoes another one. */
const undoingEvent = (event: string): string | null =>
  sources.find(({ undoes }) => undoes === event)?.event.name ?? null

const fieldValue = (value: unknown): string | number | boolean | null =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
