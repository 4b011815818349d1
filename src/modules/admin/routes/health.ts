import { z } from 'zod'
import type { Core } from '#core/core.ts'
import type { Router } from '#core/http/route.ts'
import { version } from '#core/version.ts'

const Latency = z.number().nullable().describe('Milliseconds of one round trip. Null: no answer.')
const Health = z
  .object({
    version: z.string(),
    node_version: z.string(),
    uptime_seconds: z.int().describe('Of the process that answers.'),
    memory_bytes: z.int().describe('Held by the process that answers.'),
    database: z.object({ kind: z.enum(['embedded', 'external']), latency_ms: Latency }),
    cache: z.object({
      kind: z.enum(['memory', 'redis']),
      latency_ms: Latency.describe('Null: no answer, or nothing to ask since it is in memory.'),
    }),
    mail: z.object({ delivers: z.boolean() }),
    speech: z.object({
      recognizer: z.string().nullable().describe('What listens; null: nothing is set up.'),
      is_scripted: z.boolean().describe('It hears nothing: for tests and demonstrations.'),
      synthesizer: z.string().nullable().describe('What speaks; null: what is chosen lacks its keys.'),
      is_preview: z.boolean().describe('The built-in engine, which sounds like a machine.'),
      services: z.array(z.string()).describe('Settings that connect a service, one group each.'),
    }),
    providers: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        is_enabled: z.boolean(),
        circuit: z.enum(['closed', 'open']),
        resting_keys: z.int(),
        keys: z.int(),
      }),
    ),
    jobs: z
      .object({ queued: z.int(), running: z.int(), failed: z.int(), dead: z.int() })
      .nullable()
      .describe('Null: the database does not answer.'),
  })
  .meta({ id: 'Health' })

const withinMs = 2000

/** How the parts that Banyan stands on are. A part that does not answer is told, and does not fail the request. */
export function healthRoutes(
  router: Router,
  {
    settings,
    db,
    cache,
    jobs,
    mail,
    ai,
    speech,
  }: Pick<Core, 'settings' | 'db' | 'cache' | 'jobs' | 'mail' | 'ai' | 'speech'>,
): void {
  router.route({
    method: 'GET',
    path: '/api/v1/admin/health',
    access: 'admin.health.read',
    summary: 'Database, cache, providers and queue, as this process sees them now',
    response: Health,
    async handler() {
      const [database_ms, cache_ms, counts, providers] = await Promise.all([
        orNull(db.latency()),
        orNull(cache.latency()),
        orNull(jobs.counts()),
        orNull(ai.providers.list()),
      ])
      const states = new Map(ai.providers.states().map(state => [state.provider_id, state]))
      return {
        version,
        node_version: process.version,
        uptime_seconds: Math.floor(process.uptime()),
        memory_bytes: process.memoryUsage.rss(),
        database: {
          kind: settings.DATABASE_URL ? ('external' as const) : ('embedded' as const),
          latency_ms: database_ms,
        },
        cache: { kind: settings.REDIS_URL ? ('redis' as const) : ('memory' as const), latency_ms: cache_ms },
        mail: { delivers: mail.delivers },
        speech: speech.status(),
        providers: (providers ?? []).map(({ id, name, is_enabled, keys }) => ({
          id,
          name,
          is_enabled,
          circuit: states.get(id)?.circuit ?? ('closed' as const),
          resting_keys: states.get(id)?.resting_keys.length ?? 0,
          keys: keys.length,
        })),
        jobs: counts,
      }
    },
  })
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>(resolve => {
    timer = setTimeout(resolve, withinMs, null)
  })
  try {
    return await Promise.race([work, late])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
