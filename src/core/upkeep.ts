import { z } from 'zod'
import { ledgerPartitions } from './ai/ledger.ts'
import type { Core } from './core.ts'
import { keepPartitions, type MonthPartitioned } from './db/partitions.ts'
import type { EventsService } from './events/events.ts'
import type { Idempotency } from './http/idempotency.ts'
import { type CronDefinition, defineJob, type JobDefinition } from './jobs/jobs.ts'

type Upkeep = {
  core: Core
  idempotency: Idempotency
  events: Pick<EventsService, 'cleanUp'>
  partitioned: readonly MonthPartitioned[]
}

/** What the core itself does by the clock. */
export function coreUpkeep({ core, idempotency, events, partitioned }: Upkeep): {
  jobs: readonly JobDefinition<Record<string, never>>[]
  cron: readonly CronDefinition[]
  makePartitions(): Promise<void>
} {
  const tables = [ledgerPartitions(core.settings.AI_LEDGER_RETENTION_MONTHS), ...partitioned]
  const nothing = z.object({}) as z.ZodType<Record<string, never>>
  const makePartitions = () => keepPartitions(core.db, tables)
  const partitions = defineJob({
    name: 'core.keep_partitions',
    schema: nothing,
    run: makePartitions,
  })
  const idempotencyKeys = defineJob({
    name: 'core.clean_idempotency_keys',
    schema: nothing,
    run: async () => void (await idempotency.cleanUp()),
  })
  const holds = defineJob({
    name: 'core.expire_holds',
    schema: nothing,
    run: async () => void (await core.ai.ledger.expire()),
  })
  const counters = defineJob({
    name: 'core.forget_counters',
    schema: nothing,
    run: () => core.ai.ledger.forget(),
  })
  const oldEvents = defineJob({
    name: 'core.clean_events',
    schema: nothing,
    run: (_, { signal }) => events.cleanUp(signal),
  })
  const secrets = defineJob({
    name: 'core.rotate_secrets',
    schema: nothing,
    run: async () => void (await core.ai.providers.rotateSecrets()),
  })
  return {
    makePartitions,
    jobs: [partitions, idempotencyKeys, holds, counters, oldEvents, secrets],
    cron: [
      { name: holds.name, schedule: '* * * * *', job: holds },
      { name: partitions.name, schedule: '7 3 * * *', job: partitions },
      { name: counters.name, schedule: '23 4 * * *', job: counters },
      { name: oldEvents.name, schedule: '29 4 * * *', job: oldEvents },
      { name: secrets.name, schedule: '43 4 * * *', job: secrets },
      { name: idempotencyKeys.name, schedule: '37 * * * *', job: idempotencyKeys },
    ],
  }
}
