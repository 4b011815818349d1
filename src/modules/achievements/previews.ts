import { z } from 'zod'
import { type Clock, dayIn, defaultTimeZone } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import { defineJob, type JobDefinition, type Jobs } from '#core/jobs/jobs.ts'
import type { Identity } from '#modules/identity/contract.ts'
import { previewNotFound } from './contract.ts'
import { placesOf } from './counting.ts'
import type { Definitions } from './definitions.ts'
import { factsOf, historyStore } from './history-store.ts'
import { leaderboardStore } from './leaderboard-store.ts'
import { PreviewResult } from './preview-result.ts'
import { previewStore as store } from './preview-store.ts'
import { firstUsers } from './replay.ts'
import { eventsOf, isRank, Rule, type TierName } from './rule.ts'
import { createSimulation } from './simulation.ts'
import type { SurroundingsOf } from './surroundings.ts'
import type { AchievementsTables } from './tables.ts'
import { concerns } from './tally.ts'
import { unlockedOf, unlockStore } from './unlock-store.ts'

export const PreviewInput = z.object({
  rule: Rule,
  achievement_id: z
    .uuid()
    .nullable()
    .default(null)
    .describe('Whose rule it shall be, if it is there already.'),
})

export const Preview = z
  .object({
    id: z.uuid(),
    job_id: z.uuid().nullable(),
    state: z.enum(['running', 'done', 'failed']),
    result: PreviewResult,
  })
  .meta({ id: 'AchievementPreview' })
export type Preview = z.output<typeof Preview>

type Deps = {
  db: Db<AchievementsTables>
  clock: Clock
  identity: Pick<Identity, 'usersByIds'>
  surroundingsOf: SurroundingsOf
}

const userBatch = 100
const sampleSize = 10
const longestTimeline = 366
/** Longer than anybody waits for a preview. What it has seen until then is shown. */
const timeLimit_ms = 60_000

/** Counts history by a rule that nobody has saved, and changes nothing. */
export const createPreviewJob = (deps: Deps): JobDefinition<{ preview_id: string }> =>
  defineJob({
    name: 'achievements.preview_rule',
    schema: z.object({ preview_id: z.uuid() }),
    attempts: 2,
    timeout_ms: timeLimit_ms + 30_000,
    concurrency: 2,
    async run({ preview_id }, { signal, progress }) {
      const { db, clock } = deps
      const preview = await store.find(db.primary, preview_id)
      if (!preview) return
      const until = clock.now() + timeLimit_ms
      const count = createCount(preview.rule, await db.read(null, historyStore.countUsers))
      const places = await readPlaces(deps, preview.rule, signal)
      let after: string | null = null
      for (;;) {
        const users: string[] = await db.read(null, rows => historyStore.usersAfter(rows, after, userBatch))
        for (const userId of users) {
          signal.throwIfAborted()
          count.add(userId, await simulate(deps, preview.rule, userId, places, signal))
        }
        after = users.at(-1) ?? after
        const isComplete = users.length < userBatch
        await store.save(db.primary, preview_id, await withNames(deps, count.result(isComplete)))
        await progress(count.fraction())
        if (isComplete || clock.now() > until) return
      }
    },
  })

type Places = readonly ReadonlyMap<string, number>[]

/** By condition, who has which place. */
async function readPlaces({ db }: Deps, rule: Rule, signal: AbortSignal): Promise<Places> {
  return Promise.all(
    rule.conditions.map(async (condition, i) => {
      if (!isRank(condition)) return new Map()
      const limit = placesOf(rule, i)
      if (condition.type === 'first') {
        const users = await db.read(null, rows =>
          firstUsers(rows, condition.event, limit, signal, fact => concerns(condition, fact)),
        )
        return new Map(users.map((userId, place) => [userId, place + 1]))
      }
      const top = await db.read(null, rows => leaderboardStore.top(rows, limit))
      return new Map(top.map(({ user_id, rank }) => [user_id, rank]))
    }),
  )
}

const simulate = (
  { db, clock, surroundingsOf }: Deps,
  rule: Rule,
  userId: string,
  places: Places,
  signal: AbortSignal,
) =>
  db.read(null, async rows => {
    const needsUnlocks = rule.conditions.some(({ type }) => type === 'prerequisite')
    const unlocked = needsUnlocks ? await unlockStore.of(rows, userId) : unlockedOf([])
    const simulation = createSimulation(rule, await surroundingsOf(unlocked))
    const own = new Map(
      places.flatMap((users, i) => {
        const place = users.get(userId)
        return place === undefined ? [] : [[i, place] as const]
      }),
    )
    for await (const fact of factsOf(rows, { events: eventsOf(rule), userId, signal })) {
      simulation.apply(fact, own)
      if (simulation.isDone()) break
    }
    return simulation.finish(new Date(clock.now()).toISOString(), own)
  })

function createCount(rule: Rule, total: number) {
  const tiers = new Map<TierName, number>(rule.tiers.map(({ tier }) => [tier, 0]))
  const days = new Map<string, number>()
  const sample: PreviewResult['sample'] = []
  let scanned = 0
  return {
    add(userId: string, reached: { tier: { tier: TierName }; at: string }[]) {
      scanned++
      for (const { tier, at } of reached) {
        tiers.set(tier.tier, (tiers.get(tier.tier) ?? 0) + 1)
        // As in the statistics of every night.
        const day = dayIn(defaultTimeZone, Date.parse(at))
        days.set(day, (days.get(day) ?? 0) + 1)
      }
      const last = reached.at(-1)
      if (last && sample.length < sampleSize)
        sample.push({ user_id: userId, display_name: null, tier: last.tier.tier, reached_at: last.at })
    },
    fraction: () => (total === 0 ? 1 : Math.min(1, scanned / total)),
    result: (isComplete: boolean): PreviewResult => ({
      users_scanned: scanned,
      users_total: Math.max(scanned, total),
      is_complete: isComplete,
      tiers: [...tiers].map(([tier, users]) => ({ tier, users })),
      sample,
      timeline: [...days]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(-longestTimeline)
        .map(([day, reached]) => ({ day, reached })),
    }),
  }
}

async function withNames({ identity }: Deps, result: PreviewResult): Promise<PreviewResult> {
  const users = await identity.usersByIds(result.sample.map(({ user_id }) => user_id))
  const sample = result.sample.map(one => ({
    ...one,
    display_name: users.get(one.user_id)?.display_name ?? null,
  }))
  return { ...result, sample }
}

export type Previews = ReturnType<typeof createPreviews>

export function createPreviews({
  db,
  jobs,
  definitions,
  job,
}: {
  db: Db<AchievementsTables>
  jobs: Pick<Jobs, 'add' | 'get' | 'cancel'>
  definitions: Pick<Definitions, 'check'>
  job: ReturnType<typeof createPreviewJob>
}) {
  async function get(id: string): Promise<Preview> {
    const row = await store.find(db.primary, id)
    if (!row) throw previewNotFound()
    const state = row.job_id === null ? undefined : (await jobs.get(row.job_id))?.state
    const isOver = state === undefined || state === 'succeeded'
    const isFailed = state === 'dead' || state === 'cancelled'
    return {
      id,
      job_id: row.job_id,
      state: isOver ? 'done' : isFailed ? 'failed' : 'running',
      result: row.result,
    }
  }
  return {
    /**
     * Begins to count; the actor's earlier preview ends. Progress is live on the job’s channel.
     * @throws AppError `achievement.rule_invalid`
     */
    async create(actor: Actor, { rule, achievement_id }: z.output<typeof PreviewInput>): Promise<Preview> {
      await definitions.check(rule, achievement_id)
      const earlier = await store.latestOf(db.primary, actor.user_id)
      if (earlier?.job_id) await jobs.cancel(earlier.job_id)
      const id = newId()
      await db.transaction(async tx => {
        const job_id = await jobs.add(tx, job, { preview_id: id }, { owner_id: actor.user_id })
        const result = createCount(rule, await historyStore.countUsers(tx)).result(false)
        await store.insert(tx, { id, owner_id: actor.user_id, job_id, rule, result })
      })
      return get(id)
    },
    /** @throws AppError `achievement.preview_not_found` */
    get,
  }
}
