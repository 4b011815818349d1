import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { insertDeliveries } from '#core/events/store.ts'
import { newId } from '#core/ids.ts'
import { createInstallation, type Installation } from '#core/testing/installation.ts'
import { CardRedeemed } from '#modules/cards/contract.ts'
import { DeviceTurnCompleted } from '#modules/devices/contract.ts'
import type { Definition } from './contract.ts'
import type { Rule } from './rule.ts'
import { redeemed } from './site-testing.ts'
import { counting, definitionOf, ruleOf } from './testing.ts'

const users = Array.from({ length: 300 }, newId)
const events = [DeviceTurnCompleted.name, CardRedeemed.name]
const turns = 14
const cards = 6
const places = 50
const total = users.length * (turns + cards)
const patience = { timeout: 120_000, interval: 5 }

let banyan: Installation
beforeAll(async () => {
  banyan = await createInstallation()
  await banyan.live()
})
afterAll(() => banyan.drop())

/** Achievements by these rules that count already; the ids of their versions of rules. */
async function achievementsBy(rules: readonly Rule[]): Promise<string[]> {
  const path = '/achievements/definitions'
  const versions: string[] = []
  for (const rule of rules) {
    const { id } = await banyan.call<Definition>('POST', path, definitionOf(rule))
    await vi.waitFor(
      async () =>
        expect(await banyan.call('GET', `${path}/${id}`)).toMatchObject({
          replay: { state: 'done' },
        }),
      patience,
    )
    const found = await rows<{ version_id: string }>(sql`
      SELECT version_id FROM achievements_achievement WHERE id = ${id}`)
    versions.push(...found.map(row => row.version_id))
  }
  return versions
}

async function rows<T>(query: ReturnType<typeof sql>): Promise<T[]> {
  return (await query.execute(banyan.db.primary)).rows as T[]
}

/** Of every user a number of events, all users in turn, and every tenth event a second time. */
async function plant(event: { name: string }, count: number, payloadOf: (userId: string) => object) {
  const consumer = `achievements.count_${event.name.replaceAll('.', '_')}`
  const planted = Array.from({ length: count }, () =>
    users.map(user => ({ id: newId(), payload: payloadOf(user) })),
  ).flat()
  const again = planted.filter((_, n) => n % 10 === 0)
  await insertDeliveries(banyan.db.primary, [consumer], new Date().toISOString(), [...planted, ...again])
}

async function counted(): Promise<number> {
  const [row] = await rows<{ count: number }>(sql`
    SELECT count(*) FROM achievements_fact WHERE event = ANY (${events}::text[])`)
  return row?.count ?? 0
}

async function waiting(): Promise<number> {
  const [row] = await rows<{ count: number }>(sql`SELECT count(*) FROM core_event_delivery`)
  return row?.count ?? 0
}

test('servers killed in the middle of waves count every event once, and tell of every unlocking once', async () => {
  const never = 1_000_000
  const [all, cardsOf, first, sum] = await achievementsBy([
    counting(DeviceTurnCompleted.name, 5, turns, never),
    counting(CardRedeemed.name, cards, never),
    ruleOf({ type: 'first', event: DeviceTurnCompleted.name, filters: [] }, places),
    ruleOf(
      {
        type: 'sum',
        event: DeviceTurnCompleted.name,
        filters: [],
        field: 'spoken_ms',
        window: { unit: 'day' },
      },
      never,
    ),
  ])
  await Promise.all([
    plant(DeviceTurnCompleted, turns, user_id => ({
      turn_id: newId(),
      device_id: newId(),
      user_id,
      bot_id: null,
      spoken_ms: 7,
    })),
    plant(CardRedeemed, cards, id => redeemed({ user: { id } }, { points: 3 })),
  ])

  await banyan.db.transaction(async tx => {
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(tx)
    // However late we are, something is left to do: what is locked is passed over.
    await sql`
      SELECT FROM core_event_delivery WHERE event_id IN (
        SELECT DISTINCT event_id FROM core_event_delivery ORDER BY event_id DESC LIMIT ${total / 20}
      ) FOR UPDATE`.execute(tx)
    for (const part of [0.2, 0.45, 0.7]) {
      await vi.waitFor(async () => expect(await counted()).toBeGreaterThan(part * total), patience)
      await banyan.kill()
      expect(await counted()).toBeLessThan(total)
      await banyan.live()
    }
  })
  await vi.waitFor(async () => expect(await waiting()).toBe(0), patience)

  const facts = await rows(sql`
    SELECT event, count(*), count(DISTINCT id) AS ids FROM achievements_fact
    WHERE event = ANY (${events}::text[]) GROUP BY event ORDER BY event`)
  expect(facts).toEqual([
    { event: CardRedeemed.name, count: users.length * cards, ids: users.length * cards },
    { event: DeviceTurnCompleted.name, count: users.length * turns, ids: users.length * turns },
  ])
  const tallies = await rows(sql`
    SELECT version_id, min(amount), max(amount), count(*) FROM achievements_tally
    WHERE version_id = ANY (${[all, cardsOf, sum]}::uuid[]) GROUP BY version_id`)
  expect(tallies).toHaveLength(3)
  for (const [version_id, amount] of [
    [all, turns] as const,
    [cardsOf, cards] as const,
    [sum, 7 * turns] as const,
  ])
    expect(tallies).toContainEqual({ version_id, min: amount, max: amount, count: users.length })
  const given = await rows<{ amount: number }>(sql`
    SELECT amount FROM achievements_tally WHERE version_id = ${first} ORDER BY amount`)
  expect(given.map(row => row.amount)).toEqual(Array.from({ length: places }, (_, n) => n + 1))

  const unlocked = await rows<{ tier: string; count: number }>(sql`
    SELECT version.id, tier, count(*) FROM achievements_unlock unlock
    JOIN achievements_version version ON version.achievement_id = unlock.achievement_id
    WHERE version.id = ANY (${[all, cardsOf, first]}::uuid[]) GROUP BY version.id, tier`)
  expect(unlocked).toHaveLength(4)
  for (const [id, tier, count] of [
    [all, 'bronze', users.length] as const,
    [all, 'silver', users.length] as const,
    [cardsOf, 'bronze', users.length] as const,
    [first, 'bronze', places] as const,
  ])
    expect(unlocked).toContainEqual({ id, tier, count })
  const [once] = await rows<Record<'unlocks' | 'notices' | 'events' | 'points' | 'earned', number>>(sql`
    SELECT (SELECT count(*) FROM achievements_unlock) AS unlocks,
      (SELECT count(*) FROM notifications_notification WHERE kind = 'achievements.achievement_unlocked') AS notices,
      (SELECT count(*) FROM achievements_fact WHERE event = 'achievements.achievement.unlocked') AS events,
      (SELECT sum(points) FROM achievements_user) AS points,
      (SELECT sum(points) FROM achievements_unlock) AS earned`)
  expect(once).toMatchObject({
    notices: once?.unlocks,
    events: once?.unlocks,
    points: (once?.earned ?? 0) + users.length * cards * 3,
  })
}, 400_000)
