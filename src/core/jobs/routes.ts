import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Actor, Router } from '#core/http/route.ts'
import type { ChannelDefinition } from '#core/realtime/channels.ts'
import { JobRecord, JobState, type Jobs, JobView, jobEnded, jobNotFound, jobNotRetryable } from './jobs.ts'

const JobId = z.object({ id: z.uuid() })

/** Jobs belong to whoever asked for them; `core.jobs.manage` sees and steers all. */
export function jobRoutes(router: Router, jobs: Jobs): void {
  router.route({
    method: 'GET',
    path: '/api/v1/jobs/:id',
    access: 'signed_in',
    summary: 'State and progress of a background job',
    params: JobId,
    response: JobView,
    handler: ({ actor, params }) => visibleJob(jobs, actor, params.id),
  })
  router.route({
    method: 'POST',
    path: '/api/v1/jobs/:id/cancel',
    access: 'signed_in',
    summary: 'Cancel a job of one’s own',
    params: JobId,
    response: JobView,
    status: 202,
    async handler({ actor, params }) {
      await visibleJob(jobs, actor, params.id)
      return cancelled(jobs, params.id)
    },
  })
  router.route({
    method: 'GET',
    path: '/api/v1/admin/jobs',
    access: 'core.jobs.manage',
    summary: 'Background jobs, newest first',
    query: PageQuery.extend({
      state: JobState.optional(),
      name: z.string().max(128).optional(),
      owner_id: z.uuid().optional(),
    }),
    response: pageOf(JobRecord),
    handler: ({ query }) => jobs.list(query),
  })
  router.route({
    method: 'POST',
    path: '/api/v1/admin/jobs/:id/cancel',
    access: 'core.jobs.manage',
    summary: 'Cancel a job',
    params: JobId,
    response: JobView,
    status: 202,
    handler: ({ params }) => cancelled(jobs, params.id),
  })
  router.route({
    method: 'POST',
    path: '/api/v1/admin/jobs/:id/retry',
    access: 'core.jobs.manage',
    summary: 'Put a dead, failed or cancelled job back in the queue',
    params: JobId,
    response: JobView,
    status: 202,
    async handler({ params }) {
      const isRetried = await jobs.retry(params.id)
      const job = await found(jobs, params.id)
      if (!isRetried) throw jobNotRetryable()
      return job
    },
  })
}

/** Where the owner of a job hears of its progress: `{ type: 'job.updated', job }`. */
export const jobChannel = (jobs: Pick<Jobs, 'get'>): ChannelDefinition => ({
  pattern: 'jobs.job.:id',
  async authorize(actor, { id = '' }) {
    const job = await jobs.get(id)
    return job !== null && maySee(actor, job)
  },
})

const maySee = (actor: Actor, job: JobView): boolean =>
  job.owner_id === actor.user_id || actor.permissions.has('core.jobs.manage')

async function visibleJob(jobs: Jobs, actor: Actor, id: string): Promise<JobView> {
  const job = await found(jobs, id)
  if (!maySee(actor, job)) throw jobNotFound()
  return job
}

async function found(jobs: Jobs, id: string): Promise<JobView> {
  const job = await jobs.get(id)
  if (!job) throw jobNotFound()
  return job
}

async function cancelled(jobs: Jobs, id: string): Promise<JobView> {
  const isCancelled = await jobs.cancel(id)
  const job = await found(jobs, id)
  if (!isCancelled) throw jobEnded()
  return job
}
