import { sql } from 'kysely'
import { expect, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp } from '#core/testing/app.ts'
import { signInAdmin, type TestUser } from '#modules/identity/testing.ts'
import type { Definition, Progress } from './contract.ts'
import type { DefinitionInput } from './definitions.ts'
import type { Rule, TierName } from './rule.ts'
import type { AchievementsTables } from './tables.ts'
import { definitionOf } from './testing.ts'

export const patience = { timeout: 30_000, interval: 50 }

export type Site = Awaited<ReturnType<typeof startSite>>

/** A whole Banyan with an administrator, and what tests of achievements ask of it. */
export async function startSite(settings: Record<string, string> = {}) {
  const app = await startTestApp({ settings })
  const admin = await signInAdmin(app)
  const db = app.core.db.withTables<AchievementsTables>().primary

  async function call<T>(who: Pick<TestUser, 'headers'>, method: string, path: string, body?: object) {
    const response = await app.fetch(`/api/v1/achievements${path}`, {
      method,
      headers: { ...who.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T }
  }

  /** Waits until history has been counted. */
  const settled = (id: string): Promise<Definition> =>
    vi.waitFor(async () => {
      const { body } = await call<Definition>(admin, 'GET', `/definitions/${id}`)
      expect(body.replay.state).toBe('done')
      return body
    }, patience)

  /** Of all events, or of one: unlockings are facts too, and come when they please. */
  const factsOf = async ({ user }: TestUser, event?: { name: string }): Promise<number> =>
    (
      await db
        .selectFrom('achievements_fact')
        .select('id')
        .where('user_id', '=', user.id)
        .$if(event !== undefined, query => query.where('event', '=', event?.name ?? ''))
        .execute()
    ).length

  return {
    app,
    admin,
    db,
    call,
    settled,
    factsOf,
    /** An achievement by whose rule all history has been counted. */
    async make(rule: Rule, more: Partial<DefinitionInput> = {}): Promise<Definition> {
      const made = await call<Definition>(admin, 'POST', '/definitions', definitionOf(rule, more))
      expect(made.status, JSON.stringify(made.body)).toBe(201)
      return settled(made.body.id)
    },
    async progressOf(user: TestUser, id: string): Promise<Progress> {
      const { body } = await call<{ items: Progress[] }>(user, 'GET', '/progress')
      const found = body.items.find(item => item.achievement_id === id)
      if (!found) throw new Error('The achievement is not shown')
      return found
    },
    /** Waits until so many facts of a user are stored: of one event, unless there is to be none at all. */
    counted: (user: TestUser, count: number, event?: { name: string }) =>
      vi.waitFor(async () => expect(await factsOf(user, event)).toBe(count), patience),
    /** Waits until all events have been handled, and those to which they led. */
    eventsAreOver: () =>
      vi.waitFor(async () => {
        const { rows } = await sql`SELECT FROM core_event_delivery`.execute(db)
        expect(rows).toEqual([])
      }, patience),
  }
}

export const unlockedTiers = (progress: Progress): TierName[] =>
  progress.tiers.filter(tier => tier.unlocked_at !== null).map(tier => tier.tier)

export const posted = ({ user }: TestUser) => ({
  message_id: newId(),
  conversation_id: newId(),
  user_id: user.id,
})

type Card = {
  redemption_id: string
  batch_id: string
  template_id: string
  template_version: number
  category: string
  rarity: 'common' | 'legendary'
  points?: number
}

export const redeemed = ({ user }: { user: Pick<TestUser['user'], 'id'> }, more: Partial<Card> = {}) => ({
  redemption_id: newId(),
  batch_id: newId(),
  template_id: newId(),
  template_version: 1,
  category: 'dance',
  rarity: 'common' as const,
  ...more,
  user_id: user.id,
})
