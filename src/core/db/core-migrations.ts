import { migration as ai } from '#core/ai/migrations/0001_ai.ts'
import { migration as events } from '#core/events/migrations/0001_events.ts'
import { migration as eventsByConsumer } from '#core/events/migrations/0002_by_consumer.ts'
import { migration as idempotency } from '#core/http/migrations/0001_idempotency.ts'
import { migration as jobs } from '#core/jobs/migrations/0001_jobs.ts'
import { migration as mail } from '#core/migrations/0001_mail.ts'
import { migration as speech } from '#core/speech/migrations/0001_speech.ts'
import type { MigrationSet } from './migrate.ts'

/** The schema of the core, each part beside the code that uses it. */
export const coreMigrations: MigrationSet = {
  module: 'core',
  migrations: [idempotency, jobs, events, mail, ai, speech, eventsByConsumer],
}
