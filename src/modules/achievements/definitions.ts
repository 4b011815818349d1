import { isDeepStrictEqual } from 'node:util'
import type { Transaction } from 'kysely'
import { z } from 'zod'
import type { Db } from '#core/db/db.ts'
import type { InputIssue } from '#core/errors.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Jobs } from '#core/jobs/jobs.ts'
import { type Billing, freePlan } from '#modules/billing/contract.ts'
import {
  achievementInUse,
  achievementNotFound,
  type Definition,
  ruleInvalid,
  Texts,
  tooManyAchievements,
} from './contract.ts'
import { type DefinitionRow, type Looks, definitionStore as store } from './definition-store.ts'
import type { ReplayJob } from './replay.ts'
import { Rule } from './rule.ts'
import { turnEpoch } from './rule-book.ts'
import { checkRule, type Prerequisites } from './rule-check.ts'
import type { AchievementsTables } from './tables.ts'
import { unlockStore } from './unlock-store.ts'

/** What administrators write. */
export const DefinitionInput = z.object({
  names: Texts,
  descriptions: Texts,
  icon: z.string().min(1).max(16).describe('An emoji.'),
  is_hidden: z.boolean().default(false).describe('Not shown to people before they have it.'),
  is_enabled: z.boolean().default(true),
  position: z.int().min(0).max(1_000_000).default(1000).describe('Its place in the list.'),
  rule: Rule,
})
export type DefinitionInput = z.output<typeof DefinitionInput>

export const DefinitionPatch = z.object({
  names: Texts.optional(),
  descriptions: Texts.optional(),
  icon: z.string().min(1).max(16).optional(),
  is_hidden: z.boolean().optional(),
  is_enabled: z.boolean().optional(),
  position: z.int().min(0).max(1_000_000).optional(),
  rule: Rule.optional(),
})
export type DefinitionPatch = z.output<typeof DefinitionPatch>

/** All of them are read for everybody's page, so there is an end to their number. */
export const mostAchievements = 500

export type Definitions = ReturnType<typeof createDefinitions>

export function createDefinitions({
  db,
  jobs,
  billing,
  replay,
}: {
  db: Db<AchievementsTables>
  billing: Pick<Billing, 'plans'>
  jobs: Pick<Jobs, 'add' | 'get' | 'cancel'>
  replay: ReplayJob
}) {
  async function found(id: string): Promise<DefinitionRow> {
    const row = await store.find(db.primary, id)
    if (!row) throw achievementNotFound()
    return row
  }

  /** Counts history by the rule that holds now; `isAnew` from the beginning, otherwise where it stopped. */
  async function startReplay(
    tx: Transaction<AchievementsTables>,
    versionId: string,
    { owner_id, isAnew }: { owner_id?: string; isAnew: boolean },
  ) {
    const owner = owner_id === undefined ? {} : { owner_id }
    const jobId = await jobs.add(tx, replay, { version_id: versionId }, { ...owner, key: versionId })
    await store.startReplay(tx, versionId, { jobId, isAnew })
  }

  async function view(rows: readonly DefinitionRow[]): Promise<Definition[]> {
    const holders = await unlockStore.holders(
      db.primary,
      rows.map(row => row.id),
    )
    return Promise.all(
      rows.map(async ({ starter_key, version_id: _, number, replay_users, replay_job_id, ...row }) => {
        const { is_replayed, ...rest } = row
        return {
          ...rest,
          is_starter: starter_key !== null,
          version: number,
          replay: {
            state: is_replayed ? ('done' as const) : await replayState(replay_job_id),
            job_id: replay_job_id,
            users_done: replay_users,
          },
          holders: holders
            .filter(({ achievement_id }) => achievement_id === row.id)
            .map(({ tier, users }) => ({ tier, users })),
        }
      }),
    )
  }

  async function replayState(jobId: string | null): Promise<Definition['replay']['state']> {
    const job = jobId === null ? null : await jobs.get(jobId)
    if (job === null || job.state === 'cancelled' || job.state === 'dead') return 'stopped'
    return job.state === 'queued' ? 'waiting' : 'running'
  }

  async function one(row: DefinitionRow): Promise<Definition> {
    const [definition] = await view([row])
    if (!definition) throw achievementNotFound()
    return definition
  }

  /** Days may be promised of plans that can be given, and of those that the rule so far promises, retired or not. */
  async function missingPlans(rule: Rule, soFar: Rule | undefined): Promise<InputIssue[]> {
    const promised = soFar?.tiers.map(tier => tier.rewards.membership?.plan) ?? []
    const given = (await billing.plans()).map(plan => plan.id).filter(plan => plan !== freePlan)
    const known = new Set([...given, ...promised])
    return rule.tiers.flatMap(({ rewards: { membership } }, i) =>
      membership === null || known.has(membership.plan)
        ? []
        : { pointer: `/rule/tiers/${i}/rewards/membership/plan`, detail: noPlan },
    )
  }

  return {
    startReplay,

    /** @throws AppError `achievement.rule_invalid` */
    async check(rule: Rule, id: string | null): Promise<void> {
      const others = new Map(
        (await store.list(db.primary, { limit: mostAchievements })).map(row => [row.id, row.rule]),
      )
      const prerequisites: Prerequisites = {
        self: id,
        of: other => {
          const known = other === id ? rule : others.get(other)
          return known ? neededBy(known) : null
        },
      }
      const soFar = id === null ? undefined : others.get(id)
      const issues = [...checkRule(rule, prerequisites), ...(await missingPlans(rule, soFar))]
      if (issues.length > 0) throw ruleInvalid({}, { issues })
    },

    async list({ limit, cursor }: { limit: number; cursor?: string | undefined }): Promise<Page<Definition>> {
      const after = decodeCursor(cursor, z.tuple([z.int32(), z.uuid()]))
      const rows = await store.list(db.primary, { after, limit: limit + 1 })
      const { items, next_cursor } = pageFrom(rows, limit, row => [row.position, row.id])
      return { items: await view(items), next_cursor }
    },

    get: async (id: string): Promise<Definition> => one(await found(id)),

    /** @throws AppError `achievement.rule_invalid`, `achievement.too_many` */
    async create(actor: Actor, { rule, ...looks }: DefinitionInput): Promise<Definition> {
      await this.check(rule, null)
      if ((await store.count(db.primary)) >= mostAchievements)
        throw tooManyAchievements({ limit: mostAchievements })
      const [id, version_id] = [newId(), newId()]
      await db.transaction(async tx => {
        await store.insert(tx, id, looks, { version_id, starter_key: null })
        const version = { id: version_id, achievement_id: id, number: 1, rule, created_by: actor.user_id }
        await store.insertVersion(tx, version)
        await turnEpoch(tx)
        await startReplay(tx, version_id, { owner_id: actor.user_id, isAnew: true })
      })
      return one(await found(id))
    },

    /**
     * A changed rule is a new version, by which history is counted again; what was unlocked stays. Nothing is counted
     * while an achievement is off, so switching it on counts history too.
     * @throws AppError `achievement.not_found`, `achievement.rule_invalid`
     */
    async update(actor: Actor, id: string, { rule, ...changes }: DefinitionPatch): Promise<Definition> {
      if (rule) await this.check(rule, id)
      await db.transaction(async tx => {
        await store.lock(tx, id)
        const row = await store.find(tx, id)
        if (!row) throw achievementNotFound()
        const looks: Looks = { ...row, ...defined(changes) }
        const isNewRule = rule !== undefined && !isDeepStrictEqual(rule, row.rule)
        const versionId = isNewRule ? newId() : row.version_id
        if (isNewRule) {
          const number = row.number + 1
          await store.insertVersion(tx, {
            id: versionId,
            achievement_id: id,
            number,
            rule,
            created_by: actor.user_id,
          })
        }
        await store.update(tx, id, looks, versionId)
        const isSwitchedOn = looks.is_enabled && !row.is_enabled
        if (isNewRule || looks.is_enabled !== row.is_enabled) await turnEpoch(tx)
        if (looks.is_enabled && (isNewRule || isSwitchedOn))
          await startReplay(tx, versionId, { owner_id: actor.user_id, isAnew: true })
      })
      return one(await found(id))
    },

    /** @throws AppError `achievement.not_found`, `achievement.in_use` */
    async delete(id: string): Promise<void> {
      await db.transaction(async tx => {
        await store.lock(tx, id)
        const row = await store.find(tx, id)
        if (!row) throw achievementNotFound()
        if (row.starter_key !== null || (await store.isUnlocked(tx, id))) throw achievementInUse()
        const all = await store.list(tx, { limit: mostAchievements })
        if (all.some(({ rule }) => neededBy(rule).includes(id))) throw achievementInUse()
        await store.delete(tx, id)
        await turnEpoch(tx)
      })
    },

    /** Goes on with a replay that was cancelled or failed; one that runs or is done stays as it is. */
    async resumeReplay(actor: Actor, id: string): Promise<Definition> {
      const row = await found(id)
      const isStopped = !row.is_replayed && (await replayState(row.replay_job_id)) === 'stopped'
      if (isStopped && row.is_enabled)
        await db.transaction(tx =>
          startReplay(tx, row.version_id, { owner_id: actor.user_id, isAnew: false }),
        )
      return one(await found(id))
    },
  }
}

const noPlan = { 'zh-CN': '没有这个会员方案。', en: 'There is no such plan.' }

/** The achievements that a rule asks for. */
const neededBy = ({ conditions }: Rule): string[] =>
  conditions.flatMap(condition => (condition.type === 'prerequisite' ? [condition.achievement_id] : []))

/** Without the keys that were not given. */
const defined = <T extends object>(changes: T): Partial<{ [K in keyof T]: NonNullable<T[K]> }> =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<{
    [K in keyof T]: NonNullable<T[K]>
  }>
