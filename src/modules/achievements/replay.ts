import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineJob, type JobContext } from '#core/jobs/jobs.ts'
import { isComplete, placesOf } from './counting.ts'
import { definitionStore } from './definition-store.ts'
import { historyStore, tallyStore } from './history-store.ts'
import { eventsOf, isRank } from './rule.ts'
import type { LiveRule } from './rule-book.ts'
import { createSimulation } from './simulation.ts'
import type { SurroundingsOf } from './surroundings.ts'
import type { AchievementsTables } from './tables.ts'
import { always, concerns, type Fact } from './tally.ts'
import { unlockStore } from './unlock-store.ts'
import type { Unlocking } from './unlocking.ts'

type Tx = Transaction<AchievementsTables>

export type ReplayJob = ReturnType<typeof createReplayJob>

const userBatch = 50
/** A few, so that they need not wait for each other’s commits, and leave connections to everybody else. */
const usersAtOnce = 4
const factBatch = 5_000

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
    for (let i = 0; i < users.length; i += usersAtOnce) {
      signal.throwIfAborted()
      const some = users.slice(i, i + usersAtOnce)
      await Promise.all(
        some.map(userId => db.transaction(tx => replayUser(deps, tx, version, userId, signal))),
      )
    }
    after = users.at(-1) ?? after
    done += users.length
    const isDone = users.length < userBatch
    // A rule that was changed meanwhile has a replay of its own.
    if (!(await definitionStore.saveReplay(db.primary, version.version_id, { after, done, isDone }))) return
    if (isDone) return
    const total = await historyStore.countUsers(db.replica)
    await progress(done / Math.max(done, total), `${done} / ${Math.max(done, total)}`)
  }
}

async function replayUser(deps: Deps, tx: Tx, live: LiveRule, userId: string, signal: AbortSignal) {
  const { version_id, rule } = live
  if (!(await historyStore.lockUser(tx, userId))) return
  const { unlocks } = await unlockStore.standing(tx, userId)
  if (isComplete(live, unlocks)) return
  const places = await placesOfUser(tx, live, userId)
  const around = await deps.surroundingsOf(unlocks)
  const simulation = createSimulation(rule, around, condition => places.get(condition) ?? null)
  for await (const fact of factsOf(tx, rule, userId)) {
    signal.throwIfAborted()
    for (const [index, condition] of rule.conditions.entries()) {
      if (condition.type !== 'first' || places.has(index) || !concerns(condition, fact)) continue
      const place = await tallyStore.takePlace(tx, version_id, index, placesOf(rule, index))
      if (place !== null) places.set(index, place)
    }
    simulation.apply(fact)
  }
  const reached = simulation.finish(new Date(deps.clock.now()).toISOString())
  await tallyStore.clear(tx, userId, version_id)
  await tallyStore.write(
    tx,
    userId,
    simulation.entries().map(entry => ({ ...entry, version_id })),
  )
  await deps.unlocking.grant(tx, userId, live, reached)
}

async function placesOfUser(tx: Tx, { version_id, rule }: LiveRule, userId: string) {
  const ranges = rule.conditions.flatMap((condition, i) =>
    isRank(condition) ? [{ version_id, condition: i, from: always, to: always }] : [],
  )
  const entries = await tallyStore.read(tx, userId, ranges)
  return new Map(entries.map(({ condition, amount }) => [condition, amount]))
}

async function* factsOf(tx: Tx, rule: LiveRule['rule'], userId: string): AsyncGenerator<Fact> {
  const events = eventsOf(rule)
  if (events.length === 0) return
  let after: Fact | null = null
  for (;;) {
    const facts: Fact[] = await historyStore.factsByUser(tx, { events, userId, after, limit: factBatch })
    yield* facts
    after = facts.at(-1) ?? null
    if (facts.length < factBatch) return
  }
}

/** Gives the places of conditions of the kind `first` to those who were first by the history, once. */
async function openRanks({ db }: Deps, { version_id, rule }: LiveRule, signal: AbortSignal) {
  for (const [index, condition] of rule.conditions.entries()) {
    if (condition.type !== 'first') continue
    await db.transaction(async tx => {
      if (await tallyStore.arePlacesOpen(tx, version_id, index)) return
      const limit = placesOf(rule, index)
      const first = await firstUsers(tx, condition.event, limit, signal, fact => concerns(condition, fact))
      await tallyStore.givePlaces(tx, version_id, index, first)
      await tallyStore.openPlaces(tx, version_id, index, first.length)
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
    const facts: Fact[] = await historyStore.factsByTime(db, { event, after, limit: factBatch })
    for (const fact of facts) {
      if (counts(fact)) users.add(fact.user_id)
      if (users.size >= limit) return [...users]
    }
    after = facts.at(-1) ?? null
    if (facts.length < factBatch) return [...users]
  }
}
