import { sql } from 'kysely'
import { systemClock } from '#core/clock.ts'
import { createDb, type Db } from '#core/db/db.ts'
import { connectEmbedded } from '#core/db/embedded.ts'
import { makePartitions } from '#core/db/partitions.ts'
import { consumer, createEvents } from '#core/events/events.ts'
import { newId } from '#core/ids.ts'
import { createJobs } from '#core/jobs/jobs.ts'
import { createLog } from '#core/log.ts'
import { MessagePosted } from '#modules/chat/contract.ts'
import { type Banyan, startBanyan } from './banyan.ts'
import { cpuSeconds, residentKilobytes } from './processes.ts'
import type { Figure } from './run.ts'

const people = 50
const messagesEach = 80
const history = 100_000
const months = 12
const sampleEvery_ms = 50

/**
 * Events counted by the starter rules in the whole product, each as the job that it is, unlockings and what follows
 * from them included; and a new rule counted over a long history, of many people and of one.
 */
export async function benchAchievements(): Promise<Figure[]> {
  const banyan = await startBanyan()
  const log = createLog('error')
  const connection_string = connectEmbedded(banyan.dataDir) ?? ''
  const db = createDb({
    connection_string,
    pool_size: 4,
    statement_timeout_ms: 600_000,
    slow_query_ms: 0,
    log,
  })
  try {
    return [
      ...(await countMessages(banyan, db, await makePeople(banyan))),
      ...(await replayHistory(banyan, db, 1_000)),
      ...(await replayHistory(banyan, db, 1)),
    ]
  } finally {
    await db.stop()
    await banyan.stop()
  }
}

const makePeople = (banyan: Banyan): Promise<string[]> =>
  Promise.all(
    Array.from({ length: people }, async (_, n) => {
      const made = await banyan.api<{ id: string }>('POST', '/api/v1/users', { username: `person-${n}` })
      return made.id
    }),
  )

async function countMessages(banyan: Banyan, db: Db, users: readonly string[]): Promise<Figure[]> {
  const settings = { JOBS_CONCURRENCY: 1, SHUTDOWN_TIMEOUT_MS: 1000 }
  const jobs = createJobs({
    db,
    log: createLog('error'),
    clock: systemClock,
    realtime: { publish: () => Promise.reject(new Error('nothing is live here')) },
    settings,
  })
  const log = createLog('error')
  const events = createEvents({ db, jobs, clock: systemClock, log, concurrency: 1 })
  // The server runs it; here it only has to be known.
  events.subscribe([
    consumer({
      name: 'achievements.count_chat_message_posted',
      event: MessagePosted,
      handle: () => Promise.reject(new Error('only the server counts')),
    }),
  ])
  const total = users.length * messagesEach
  await db.transaction(async tx => {
    for (let n = 0; n < messagesEach; n++)
      for (const user_id of users)
        await events.publish(tx, MessagePosted, { message_id: newId(), conversation_id: newId(), user_id })
  })
  const cpu = cpuSeconds(banyan.pid)
  const started = performance.now()
  await until(async () => {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*) FROM achievements_fact WHERE event = ${MessagePosted.name}`.execute(db.primary)
    return rows[0]?.count === total
  })
  const seconds = (performance.now() - started) / 1000
  return [
    {
      name: `${total.toLocaleString('en')} messages of ${people} people counted by the starter rules`,
      value: total / seconds,
      unit: 'events/s',
    },
    {
      name: 'the same: CPU of the server, all that follows from an event included',
      value: (1000 * (cpuSeconds(banyan.pid) - cpu)) / total,
      unit: 'ms/event',
    },
  ]
}

/** Counts 100,000 facts of so many people by a new rule. */
async function replayHistory(banyan: Banyan, db: Db, users: number): Promise<Figure[]> {
  const event = 'devices.turn.completed'
  await sql`DELETE FROM achievements_fact`.execute(db.primary)
  const userId = await plantHistory(db, event, users)
  const peak = { kilobytes: residentKilobytes(banyan.pid), wait_ms: 0 }
  const before = peak.kilobytes
  const started = performance.now()
  const { id } = await banyan.api<{ id: string }>('POST', '/api/v1/achievements/definitions', {
    names: { 'zh-CN': '历史', en: 'History' },
    descriptions: { 'zh-CN': '历史', en: 'History' },
    icon: '📜',
    rule: {
      match: 'all',
      conditions: [
        { type: 'count', event, filters: [], window: { unit: 'all' } },
        { type: 'streak', event, filters: [], per_day: 2 },
      ],
      tiers: [{ tier: 'bronze', goals: [1_000_000, 100], points: 1, rewards: { membership: null } }],
    },
  })
  const path = `/api/v1/achievements/definitions/${id}`
  await until(async () => {
    peak.wait_ms = Math.max(peak.wait_ms, await lockTime(db, userId))
    peak.kilobytes = Math.max(peak.kilobytes, residentKilobytes(banyan.pid))
    return (await banyan.api<{ replay: { state: string } }>('GET', path)).replay.state === 'done'
  })
  const seconds = (performance.now() - started) / 1000
  const of = users === 1 ? 'one person' : `${users.toLocaleString('en')} people`
  return [
    {
      name: `a new rule counted over ${history.toLocaleString('en')} facts of ${of}`,
      value: seconds,
      unit: 's',
    },
    {
      name: `the same: growth of the server’s memory, from ${Math.round(before / 1024)} MB`,
      value: (peak.kilobytes - before) / 1024,
      unit: 'MB',
    },
    {
      name: 'the same: longest that an event of one of them would have waited',
      value: peak.wait_ms,
      unit: 'ms',
    },
  ]
}

/** Facts of the last twelve months. Returns the first of their people. */
async function plantHistory(db: Db, event: string, users: number): Promise<string> {
  for (let back = months; back > 0; back--)
    await makePartitions(db.primary, 'achievements_fact', new Date(Date.now() - back * 28 * 86_400_000))
  const ids = Array.from({ length: users }, newId)
  await sql`INSERT INTO achievements_user (user_id) SELECT unnest(${ids}::uuid[])`.execute(db.primary)
  await sql`
    INSERT INTO achievements_fact (id, user_id, event, occurred_at, day, fields)
    SELECT gen_random_uuid(), user_id, ${event}, at, at::date, '{"spoken_ms": 1200, "hour": 12, "weekday": 3}'
    FROM unnest(${ids}::uuid[]) AS user_id, generate_series(1, ${history / users}::integer) AS n,
      LATERAL (SELECT now() - n * ${(300 * 86_400 * users) / history}::float8 * interval '1 second' AS at) AS happened`.execute(
    db.primary,
  )
  await sql`VACUUM ANALYZE achievements_fact`.execute(db.primary)
  return ids[0] ?? ''
}

/** Milliseconds until one gets the lock that everything about a user needs. */
async function lockTime(db: Db, userId: string): Promise<number> {
  const asked = performance.now()
  await sql`SELECT FROM achievements_user WHERE user_id = ${userId} FOR UPDATE`.execute(db.primary)
  return performance.now() - asked
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 600_000
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('Not done after ten minutes')
    await new Promise(resolve => setTimeout(resolve, sampleEvery_ms))
  }
}
