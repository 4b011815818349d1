import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { decodeCursor, type Page, pageFrom } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { JobDefinition, Jobs } from '#core/jobs/jobs.ts'
import type { Log } from '#core/log.ts'
import type { Secrets } from '#core/security/secrets.ts'
import {
  type BatchFilter,
  type BatchRow,
  type BatchState,
  batchStore,
  type NamedBatch,
} from './batch-store.ts'
import { type CodeHasher, newBatchSecret } from './codes.ts'
import {
  batchExpired,
  batchNotFound,
  batchSecretDestroyed,
  batchSetEmpty,
  batchValidityInvalid,
  batchValidityTooFar,
  batchWrongState,
  templateNotFound,
  templateNotPublished,
} from './errors.ts'
import type { BatchLive } from './live.ts'
import { splitByRarity } from './rarities.ts'
import type { CardsTables } from './tables.ts'
import { templateStore } from './template-store.ts'

export const batchStates = ['draft', 'generating', 'ready', 'released', 'frozen', 'void'] as const

/** A print run of one version of a template. */
export const Batch = z
  .object({
    id: z.uuid(),
    template_id: z.uuid(),
    template_version: z.int(),
    template_name: z.string(),
    name: z.string(),
    quantity: z.int(),
    state: z.enum(batchStates).describe('Its cards can be redeemed while it is “released”.'),
    generated: z.int().describe('How many of its cards are stored already.'),
    valid_until: z.string().nullable(),
    valid_days: z.int().nullable().describe('Days after the release.'),
    expires_at: z
      .string()
      .nullable()
      .describe('When its cards end. Null: never, or not known before the release.'),
    channel: z.string().nullable(),
    notes: z.string(),
    has_secret: z.boolean().describe('Whether its codes can be exported (again).'),
    secret_destroyed_at: z.string().nullable(),
    job_id: z.uuid().nullable().describe('The job that generates its cards.'),
    created_at: z.string(),
    updated_at: z.string(),
    released_at: z.string().nullable(),
  })
  .meta({ id: 'CardsBatch' })
export type Batch = z.output<typeof Batch>

export const BatchInput = z.object({
  name: z.string().max(100).regex(/\S/),
  quantity: z.int().min(1).max(1_000_000),
  valid_until: z.iso.datetime({ offset: true }).nullable().default(null),
  valid_days: z.int().min(1).max(36_500).nullable().default(null).describe('Days after the release.'),
  channel: z
    .string()
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .describe('Where its cards are sold or given away.'),
  notes: z.string().max(2000).default(''),
})
export type BatchInput = z.output<typeof BatchInput>

export const BatchChange = BatchInput.pick({ name: true, channel: true, notes: true }).partial()

type Rows = Kysely<CardsTables>
const day_ms = 86_400_000
const mostOfSet = 200
/** What four digits of a year can say. */
const latestEnd = Date.parse('9999-12-31T23:59:59Z')

/** What a batch's secret is encrypted with, beside the key: it does not decrypt in another row. */
export const secretContext = (batchId: string): string => `cards_batch.secret:${batchId}`

export type Batches = ReturnType<typeof createBatches>

export function createBatches(deps: {
  db: Db
  clock: Clock
  jobs: Jobs
  log: Log
  secrets: Secrets
  hasher: CodeHasher
  live: BatchLive
  generate: JobDefinition<{ batch_id: string }>
}) {
  const { clock, jobs, log, secrets, live } = deps
  const db = deps.db.withTables<CardsTables>()
  const now = () => new Date(clock.now()).toISOString()

  /** Runs `work` on a locked batch in one of the states, then tells everybody. @throws AppError `batch.wrong_state` */
  async function move(
    actor: Actor,
    id: string,
    needed: readonly BatchState[],
    work: (tx: Rows, batch: BatchRow) => Promise<void>,
  ): Promise<Batch> {
    const batch = await db.transaction(async tx => {
      const locked = await batchStore.lock(tx, id)
      if (!locked) throw batchNotFound()
      if (!needed.includes(locked.state))
        throw batchWrongState({ state: locked.state, needed: needed.join(', ') })
      await work(tx, locked)
      return find(tx, id)
    })
    log.info({ batch_id: id, user_id: actor.user_id, state: batch.state }, 'a batch was changed')
    await live.updated(batch)
    return batch
  }

  const change = (tx: Rows, { id }: BatchRow, values: Partial<BatchRow>) =>
    batchStore.change(tx, id, { ...values, updated_at: now() })

  function validity({ valid_until, valid_days }: Pick<BatchInput, 'valid_until' | 'valid_days'>) {
    if (valid_until === null) return { valid_until, valid_days, expires_at: null }
    if (valid_days !== null || Date.parse(valid_until) <= clock.now()) throw batchValidityInvalid()
    if (Date.parse(valid_until) > latestEnd) throw batchValidityTooFar()
    return { valid_until, valid_days, expires_at: valid_until }
  }

  async function insert(
    tx: Rows,
    actor: Actor,
    template: { id: string; version: number },
    input: BatchInput,
  ): Promise<string> {
    const id = newId()
    const { name, quantity, channel, notes } = input
    await batchStore.insert(tx, {
      id,
      template_id: template.id,
      template_version: template.version,
      name,
      quantity,
      channel,
      notes,
      ...validity(input),
      created_by: actor.user_id,
    })
    return id
  }

  return {
    find: (id: string) => find(db.primary, id),

    async list(
      actor: Actor,
      { cursor, ...filter }: Omit<BatchFilter, 'before'> & { cursor?: string | undefined },
    ): Promise<Page<Batch>> {
      const [before] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [null]
      const found = await db.read(actor.user_id, rows =>
        batchStore.list(rows, { ...filter, before, limit: filter.limit + 1 }),
      )
      return pageFrom(found.map(view), filter.limit, batch => [batch.id])
    },

    /** @throws AppError `template.not_found`, `template.not_published`, `batch.validity_invalid`, `batch.validity_too_far` */
    async create(
      actor: Actor,
      {
        template_id,
        template_version,
        ...input
      }: BatchInput & { template_id: string; template_version?: number | undefined },
    ): Promise<Batch> {
      return db.transaction(async tx => {
        const template = await templateStore.lock(tx, template_id)
        if (!template) throw templateNotFound()
        if (template.state !== 'published') throw templateNotPublished()
        const version = template_version ?? template.version
        if (!(await templateStore.version(tx, template_id, version))) throw templateNotFound()
        return find(tx, await insert(tx, actor, { id: template_id, version }, input))
      })
    },

    /**
     * One batch for each published template of a set, the quantity split by the weights of their rarities.
     * @throws AppError `batch.set_empty` when the set has none
     */
    async createForSet(
      actor: Actor,
      { set_name, ...input }: BatchInput & { set_name: string },
    ): Promise<{ items: Batch[] }> {
      return db.transaction(async tx => {
        const templates = await templateStore.ofSet(tx, set_name, mostOfSet)
        if (templates.length === 0) throw batchSetEmpty({ set_name })
        const items: Batch[] = []
        for (const { template, quantity } of splitByRarity(templates, input.quantity)) {
          if (quantity === 0) continue
          const name = `${input.name} · ${template.name}`.slice(0, 100)
          items.push(await find(tx, await insert(tx, actor, template, { ...input, name, quantity })))
        }
        return { items }
      })
    },

    /** @throws AppError `batch.not_found` */
    update: (actor: Actor, id: string, values: z.output<typeof BatchChange>): Promise<Batch> =>
      move(actor, id, batchStates, (tx, batch) => change(tx, batch, values)),

    /** @throws AppError `batch.wrong_state` once cards were generated */
    async remove(actor: Actor, id: string): Promise<void> {
      await db.transaction(async tx => {
        const batch = await batchStore.lock(tx, id)
        if (!batch) throw batchNotFound()
        if (batch.state !== 'draft') throw batchWrongState({ state: batch.state, needed: 'draft' })
        await batchStore.remove(tx, id)
      })
      log.info({ batch_id: id, user_id: actor.user_id }, 'a batch was deleted')
    },

    /** Begins to make the cards in the background, or goes on where a job stopped for good. */
    async generate(actor: Actor, id: string): Promise<Batch> {
      const batch = await find(db.primary, id)
      if (batch.state === 'generating') {
        const job = batch.job_id === null ? null : await jobs.get(batch.job_id)
        // False where it waits or runs: then all is well.
        if (job) await jobs.retry(job.id)
        if (job && job.state !== 'succeeded') return batch
        return move(actor, id, ['generating'], async (tx, row) => change(tx, row, { job_id: await add(tx) }))
      }
      return move(actor, id, ['draft'], async (tx, row) => {
        const secret = secrets.encrypt(newBatchSecret().toString('base64url'), secretContext(id))
        const { key_id: hash_key_id } = deps.hasher
        await change(tx, row, { state: 'generating', secret, hash_key_id, job_id: await add(tx) })
      })

      function add(tx: Rows): Promise<string> {
        return jobs.add(tx, deps.generate, { batch_id: id }, { owner_id: actor.user_id })
      }
    },

    /** From now on its cards can be redeemed; `valid_days` count from the first release. */
    release: (actor: Actor, id: string): Promise<Batch> =>
      move(actor, id, ['ready', 'frozen'], async (tx, batch) => {
        const released_at = batch.released_at ?? now()
        const expires_at =
          batch.valid_days === null
            ? batch.expires_at
            : new Date(Date.parse(released_at) + batch.valid_days * day_ms).toISOString()
        if (expires_at !== null && Date.parse(expires_at) <= clock.now()) throw batchExpired()
        await change(tx, batch, { state: 'released', released_at, expires_at })
      }),

    /** Nobody can redeem its cards until it is released again. */
    freeze: (actor: Actor, id: string): Promise<Batch> =>
      move(actor, id, ['released'], (tx, batch) => change(tx, batch, { state: 'frozen' })),

    /** Ends it for good: none of its cards can ever be redeemed. A generation that runs stops. */
    makeVoid: (actor: Actor, id: string): Promise<Batch> =>
      move(actor, id, ['draft', 'generating', 'ready', 'released', 'frozen'], (tx, batch) =>
        change(tx, batch, { state: 'void' }),
      ),

    /** Its codes can never be exported again; cards that are out stay valid. @throws AppError `batch.secret_destroyed` */
    destroySecret: (actor: Actor, id: string): Promise<Batch> =>
      move(actor, id, ['ready', 'released', 'frozen', 'void'], async (tx, batch) => {
        if (batch.secret === null) throw batchSecretDestroyed()
        await change(tx, batch, { secret: null, secret_destroyed_at: now() })
      }),
  }
}

async function find(tx: Rows, id: string): Promise<Batch> {
  const row = await batchStore.find(tx, id)
  if (!row) throw batchNotFound()
  return view(row)
}

/** What operators see: neither the secret nor which key the hashes are made with. */
export const view = ({ secret, hash_key_id: _, created_by: _by, ...batch }: NamedBatch): Batch => ({
  ...batch,
  has_secret: secret !== null,
})
