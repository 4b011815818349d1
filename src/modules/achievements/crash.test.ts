import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createInstallation, type Installation } from '#core/testing/installation.ts'
import type { Definition } from './contract.ts'
import { counting, definitionOf } from './testing.ts'

const users = 400
const patience = { timeout: 120_000, interval: 20 }

let banyan: Installation
beforeAll(async () => {
  banyan = await createInstallation()
})
afterAll(() => banyan.drop())

/** User n did something 1 to 4 times. */
async function plantHistory() {
  await sql`
    WITH planted AS (
      INSERT INTO achievements_user (user_id)
      SELECT gen_random_uuid() FROM generate_series(1, ${users}) RETURNING user_id
    )
    INSERT INTO achievements_fact (id, user_id, event, occurred_at, day, fields)
    SELECT gen_random_uuid(), user_id, 'devices.turn.completed', now(), current_date, '{}'
    FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) AS n FROM planted) AS numbered
    CROSS JOIN LATERAL generate_series(1, 1 + n % 4)`.execute(banyan.db.primary)
}

/** Meanwhile no replay gets past this user, the so-manieth in their order. */
const keptBefore = <T>(count: number, work: () => Promise<T>): Promise<T> =>
  banyan.db.transaction(async tx => {
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(tx)
    await sql`
      SELECT FROM achievements_user WHERE user_id = (
        SELECT user_id FROM achievements_user ORDER BY user_id OFFSET ${count} LIMIT 1
      ) FOR UPDATE`.execute(tx)
    return work()
  })

const definition = (id: string) => banyan.call<Definition>('GET', `/achievements/definitions/${id}`)

test('a replay goes on after a cancel and after kill -9, and unlocks everything exactly once', async () => {
  await banyan.live()
  await plantHistory()
  const half = (id: string, from: number) =>
    vi.waitFor(async () => {
      const now = await definition(id)
      expect(now.replay.users_done).toBeGreaterThan(from)
      return now
    }, patience)
  const made = await keptBefore(users / 2, async () => {
    const { id } = await banyan.call<Definition>(
      'POST',
      '/achievements/definitions',
      definitionOf(counting('devices.turn.completed', 2, 4)),
    )
    const begun = await half(id, 0)
    await banyan.call('POST', `/jobs/${begun.replay.job_id}/cancel`)
    return begun
  })
  const stopped = await vi.waitFor(async () => {
    const now = await definition(made.id)
    expect(now.replay.state).not.toBe('running')
    return now
  }, patience)

  await keptBefore(users - 10, async () => {
    await banyan.call('POST', `/achievements/definitions/${made.id}/replays`)
    await half(made.id, stopped.replay.users_done)
    await banyan.kill()
  })
  await banyan.live()
  await vi.waitFor(async () => expect((await definition(made.id)).replay.state).toBe('done'), patience)
  const { holders, replay } = await definition(made.id)
  expect(replay.users_done).toBeGreaterThanOrEqual(users)
  expect(holders.sort((a, b) => a.users - b.users)).toEqual([
    { tier: 'silver', users: users / 4 },
    { tier: 'bronze', users: (users * 3) / 4 },
  ])
  const { rows } = await sql<{ tallied: number; told: number; points: number }>`
    SELECT (SELECT sum(amount) FROM achievements_tally) AS tallied,
      (SELECT count(*) FROM notifications_notification) AS told,
      (SELECT sum(points) FROM achievements_user) AS points`.execute(banyan.db.primary)
  expect(rows[0]).toMatchObject({ told: users, points: (users * 3 * 10) / 4 + (users * 20) / 4 })
}, 300_000)
