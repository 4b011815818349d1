import { isDeepStrictEqual } from 'node:util'
import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineJob, type JobContext } from '#core/jobs/jobs.ts'
import { firstsMet, isComplete, placesOf } from './counting.ts'
import { definitionStore } from './definition-store.ts'
import { type FactCount, factBatch, factsOf, historyStore, tallyStore } from './history-store.ts'
import { eventsOf, isRank, type Rule } from './rule.ts'
import type { LiveRule } from './rule-book.ts'
import { createSimulation, type Simulation } from './simulation.ts'
import type { SurroundingsOf } from './surroundings.ts'
import type { AchievementsTables } from './tables.ts'
import { always, concerns, type Fact } from './tally.ts'
import { unlockStore } from './unlock-store.ts'
import type { Unlocking } from './unlocking.ts'

type Tx = Transaction<AchievementsTables>
type Rows = Db<AchievementsTables>['primary']

export type ReplayJob = ReturnType<typeof createReplayJob>

const userBatch = 50
/** What happened longer ago than this has mostly arrived. Where it has not, more is left to the count under the lock. */
const shortestSettling_ms = 60_000
/** A few, so that they need not wait for each other’s commits, and leave connections to everybody else. */
const usersAtOnce = 4

type Deps = {
  db: Db<AchievementsTables>
  clock: Clock
  unlocking: Unlocking
  surroundingsOf: SurroundingsOf
}

/**
 * Counts all history by a new rule, user by user, and unlocks what people have reached already. It goes on where it
 * stopped, and may count a user again: each time from the beginning, in one transaction that holds the user's lock.
 * What happens meanwhile is counted live, and is in the history that is read here, or comes after it.
 */
export const createReplayJob = (deps: Deps) =>
  defineJob({
    name: 'achievements.replay_rule',
    schema: z.object({ version_id: z.uuid() }),
    attempts: 20,
    timeout_ms: 3 * 60 * 60_000,
    concurrency: 2,
    async run({ version_id }, context) {
      const version = await definitionStore.liveVersion(deps.db.primary, version_id)
      if (!version) return
      await openRanks(deps, version, context.signal)
      await replayUsers(deps, version, context)
    },
  })

async function replayUsers(
  deps: Deps,
  version: LiveRule & { replay_after: string | null; replay_users: number },
  { signal, progress }: JobContext,
) {
  const { db } = deps
  let { replay_after: after, replay_users: done } = version
  for (;;) {
    const users = await historyStore.usersAfter(db.primary, after, userBatch)
    const active = await withoutIdle(db, version.rule, users)
    for (let i = 0; i < active.length; i += usersAtOnce) {
      signal.throwIfAborted()
      const some = active.slice(i, i + usersAtOnce)
      await Promise.all(some.map(userId => replayUser(deps, version, userId, signal)))
    }
    after = users.at(-1) ?? after
    done += users.length
    const isDone = users.length < userBatch
    // A rule that was changed meanwhile has a replay of its own.
    if (!(await definitionStore.saveReplay(db.primary, version.version_id, { after, done, isDone }))) return
    if (isDone) return
    const total = await db.read(null, historyStore.countUsers)
    await progress(done / Math.max(done, total), `${done} / ${Math.max(done, total)}`)
  }
}

/**
 * Leaves out those who have done nothing that the rule counts, so that they take no transaction each. Only under their
 * lock is that sure; who is locked just now stays in.
 */
async function withoutIdle(db: Deps['db'], rule: Rule, users: readonly string[]): Promise<string[]> {
  // Of places and of other achievements facts alone do not tell.
  if (rule.conditions.some(condition => isRank(condition) || condition.type === 'prerequisite'))
    return [...users]
  const idle = await db.transaction(async tx =>
    historyStore.withoutFacts(tx, await historyStore.lockFree(tx, users), eventsOf(rule)),
  )
  return users.filter(userId => !idle.has(userId))
}

/**
 * Most people's history is one batch, read and counted under their lock. A longer one is counted before the lock is
 * taken, so that nobody's events wait for it: up to a moment ago, after which only the little that came since is left.
 */
async function replayUser(deps: Deps, live: LiveRule, userId: string, signal: AbortSignal) {
  const { db, clock } = deps
  const one = { live, userId, signal }
  if (await db.transaction(tx => countUnderLock(deps, tx, one, null))) return
  for (let settling_ms = shortestSettling_ms; ; settling_ms *= 4) {
    const ahead = await countAhead(deps, one, new Date(clock.now() - settling_ms).toISOString())
    if (await db.transaction(tx => countUnderLock(deps, tx, one, ahead))) return
  }
}

type One = { live: LiveRule; userId: string; signal: AbortSignal }
type Ahead = {
  simulation: Simulation
  /** What the simulation has been through: all before `until`, when the user's facts were `facts`. */
  until: string
  facts: FactCount
  /** Conditions of the kind `first` that were met. */
  met: ReadonlySet<number>
  isUsed: boolean
}

/** False, and nothing done, where the history is too long for it, or has changed since it was counted ahead. */
async function countUnderLock(deps: Deps, tx: Tx, { live, userId, signal }: One, ahead: Ahead | null) {
  const { version_id, rule } = live
  if (!(await historyStore.lockUser(tx, userId))) return true
  const unlocked = await unlockStore.of(tx, userId)
  if (isComplete(live, unlocked)) return true
  const events = eventsOf(rule)
  if (ahead) {
    const { until, facts, isUsed } = ahead
    // A transaction that is run again finds a simulation that has gone on already.
    ahead.isUsed = true
    if (isUsed || !isDeepStrictEqual(await historyStore.countFacts(tx, { events, userId, until }), facts))
      return false
  }
  const facts = ahead
    ? factsOf(tx, { events, userId, from: ahead.until, signal })
    : await historyStore.factsByUser(tx, { events, userId, after: null })
  if (Array.isArray(facts) && facts.length === factBatch) return false
  const places = await placesOfUser(tx, live, userId)
  const simulation = ahead?.simulation ?? createSimulation(rule, await deps.surroundingsOf(unlocked))
  const take = async (index: number) => {
    if (places.has(index)) return
    const place = await tallyStore.takePlace(tx, version_id, index, placesOf(rule, index))
    if (place !== null) places.set(index, place)
  }
  for (const index of ahead?.met ?? []) await take(index)
  for await (const fact of facts) {
    for (const index of firstsMet(rule, fact)) await take(index)
    simulation.apply(fact, places)
  }
  const reached = simulation.finish(new Date(deps.clock.now()).toISOString(), places)
  await tallyStore.clear(tx, userId, version_id)
  // Of somebody who has everything nothing is counted any more.
  if (!simulation.isDone())
    await tallyStore.write(
      tx,
      simulation.entries(places).map(entry => ({ ...entry, user_id: userId, version_id })),
    )
  await deps.unlocking.grant(tx, userId, live, reached)
  return true
}

/** Counts a long history up to a time, in no transaction. */
async function countAhead(deps: Deps, { live, userId, signal }: One, until: string): Promise<Ahead> {
  const { primary } = deps.db
  const { rule } = live
  const events = eventsOf(rule)
  const facts = await historyStore.countFacts(primary, { events, userId, until })
  const places = await placesOfUser(primary, live, userId)
  const unlocked = await unlockStore.of(primary, userId)
  const simulation = createSimulation(rule, await deps.surroundingsOf(unlocked))
  const met = new Set<number>()
  for await (const fact of factsOf(primary, { events, userId, until, signal })) {
    for (const index of firstsMet(rule, fact)) met.add(index)
    simulation.apply(fact, places)
    if (simulation.isDone()) break
  }
  return { simulation, until, facts, met, isUsed: false }
}

async function placesOfUser(db: Rows, { version_id, rule }: LiveRule, userId: string) {
  const ranges = rule.conditions.flatMap((condition, i) =>
    isRank(condition) ? [{ version_id, condition: i, from: always, to: always }] : [],
  )
  const entries = await tallyStore.read(db, userId, ranges)
  return new Map(entries.map(({ condition, amount }) => [condition, amount]))
}

/** Gives the places of conditions of the kind `first` to those who were first by the history, once. */
async function openRanks({ db }: Deps, { version_id, rule }: LiveRule, signal: AbortSignal) {
  for (const [index, condition] of rule.conditions.entries()) {
    if (condition.type !== 'first' || (await tallyStore.arePlacesOpen(db.primary, version_id, index)))
      continue
    const limit = placesOf(rule, index)
    const first = await firstUsers(db.primary, condition.event, limit, signal, fact =>
      concerns(condition, fact),
    )
    await db.transaction(async tx => {
      if (!(await tallyStore.openPlaces(tx, version_id, index, first.length))) return
      await tallyStore.givePlaces(tx, version_id, index, first)
    })
  }
}

/** Who did something first, in order. */
export async function firstUsers(
  db: Db<AchievementsTables>['primary'],
  event: string,
  limit: number,
  signal: AbortSignal,
  counts: (fact: Fact) => boolean,
): Promise<string[]> {
  const users = new Set<string>()
  let after: Fact | null = null
  for (;;) {
    signal.throwIfAborted()
    const facts: Fact[] = await historyStore.factsByTime(db, event, after)
    for (const fact of facts) {
      if (counts(fact)) users.add(fact.user_id)
      if (users.size >= limit) return [...users]
    }
    after = facts.at(-1) ?? null
    if (facts.length < factBatch) return [...users]
  }
}
