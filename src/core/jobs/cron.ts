import { type Clock, defaultTimeZone } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import type { Log } from '#core/log.ts'
import type { CronDefinition, Jobs } from './jobs.ts'
import { parseSchedule, previousTick } from './schedule.ts'
import { rememberCrons, takeTick } from './store.ts'

export type CronTicker = { start(): Promise<void>; stop(): Promise<void> }

const minute = 60_000

/**
 * Adds the jobs of schedules: once per tick however many processes there are, since the tick is recorded in the
 * transaction that adds the job. A tick that passed while nothing ran is made up for once.
 * @throws {Error} for a malformed schedule, RangeError for an unknown time zone.
 */
export function createCron(
  { db, jobs, clock, log }: { db: Db; jobs: Pick<Jobs, 'add'>; clock: Clock; log: Log },
  definitions: readonly CronDefinition[],
): CronTicker {
  const crons = definitions.map(({ name, schedule, time_zone = defaultTimeZone, job }) => {
    const parsed = parseSchedule(schedule)
    const latest = () => previousTick(parsed, time_zone, clock.now())
    latest()
    return { name, job, latest, seen: 0 }
  })
  if (new Set(crons.map(cron => cron.name)).size < crons.length)
    throw new Error('Two crons have the same name')
  let timer: NodeJS.Timeout | undefined
  let ticking: Promise<void> = Promise.resolve()
  let stopped = false

  async function tick() {
    for (const cron of crons) {
      const latest = cron.latest()
      if (latest === null || latest <= cron.seen) continue
      await db.transaction(async tx => {
        if (!(await takeTick(tx, cron.name, new Date(latest)))) return
        // A run that still waits stands for this one too.
        await jobs.add(tx, cron.job, {}, { key: 'cron' })
      })
      cron.seen = latest
    }
  }

  function next() {
    if (stopped) return
    timer = setTimeout(
      () => {
        ticking = tick()
          .catch((error: unknown) =>
            log.warn({ error }, 'scheduled jobs were not added; trying again in a minute'),
          )
          .then(next)
      },
      minute - (clock.now() % minute) + 1,
    )
  }

  return {
    async start() {
      const now = clock.now()
      const known = await rememberCrons(
        db.primary,
        crons.map(cron => cron.name),
        new Date(now),
      )
      for (const cron of crons) cron.seen = known.get(cron.name) ?? now
      await tick()
      next()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await ticking
    },
  }
}
