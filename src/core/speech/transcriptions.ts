import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { CronDefinition, JobDefinition, Jobs } from '#core/jobs/jobs.ts'
import type { Storage } from '#core/storage/storage.ts'
import { type AudioFile, audioRate, openAudioFile } from './audio-file.ts'
import { audioTooLong } from './errors.ts'
import type { Speech } from './speech.ts'
import { audioKey, cleanUpJob, transcriptionJob } from './transcription-jobs.ts'
import { deleteTranscription, findTranscription, insertTranscription } from './transcription-store.ts'
import type { Recognizer } from './types.ts'

export const Transcription = z
  .object({
    id: z.uuid().nullable().describe('Null for short audio: its text is here and kept nowhere.'),
    state: z.enum(['queued', 'done', 'failed']),
    text: z.string().nullable().describe('Empty when nothing was said.'),
    seconds: z.number().describe('How long the audio is.'),
    engine: z.string(),
    job_id: z.uuid().nullable().describe('Where long audio shows its progress: `/api/v1/jobs/{id}`.'),
    error_code: z.string().nullable(),
    expires_at: z.string().nullable().describe('When it will be gone.'),
  })
  .meta({ id: 'Transcription' })
export type Transcription = z.output<typeof Transcription>

export type Transcriptions = {
  /**
   * The text of short audio at once; long audio becomes a job of the actor.
   * @throws AppError `speech.*`
   */
  create(
    actor: Actor,
    input: { bytes: Buffer; language: string | undefined },
    signal: AbortSignal,
  ): Promise<Transcription>
  /** @throws AppError `speech.transcription_not_found` */
  get(actor: Actor, id: string): Promise<Transcription>
  /** @throws AppError `speech.transcription_not_found` */
  delete(actor: Actor, id: string): Promise<void>
  jobs: readonly JobDefinition[]
  cron: readonly CronDefinition[]
}

const transcriptionNotFound = defineError({
  code: 'speech.transcription_not_found',
  status: 404,
  en: 'There is no such transcription, or it is gone: they are kept for a day.',
  'zh-CN': '没有这份转写结果，或者它已过期（只保留一天）。',
})

/** Longer audio than this becomes a job. */
const short_seconds = 60
const longest_minutes = 120
const kept_ms = 24 * 60 * 60_000

/** Speech of users as text. Long audio and its text are gone after a day. */
export function createTranscriptions(deps: {
  db: Db
  clock: Clock
  jobs: Jobs
  storage: Storage
  speech: Speech
}): Transcriptions {
  const { db, clock, jobs, storage, speech } = deps
  const now = () => new Date(clock.now()).toISOString()

  const job = transcriptionJob(deps)
  const cleanUp = cleanUpJob(deps)

  async function queue(
    actor: Actor,
    { bytes, language }: { bytes: Buffer; language: string | undefined },
    seconds: number,
  ): Promise<Transcription> {
    const id = newId()
    const engine = speech.recognizer().name
    const expires_at = new Date(clock.now() + kept_ms).toISOString()
    await storage.put(audioKey(id), bytes, { media_type: 'application/octet-stream' })
    try {
      const job_id = await db.transaction(async tx => {
        const job_id = await jobs.add(
          tx,
          job,
          { transcription_id: id, language },
          { owner_id: actor.user_id },
        )
        await insertTranscription(tx, { id, user_id: actor.user_id, job_id, engine, seconds, expires_at })
        return job_id
      })
      return { id, state: 'queued', text: null, seconds, engine, job_id, error_code: null, expires_at }
    } catch (error) {
      await storage.delete(audioKey(id))
      throw error
    }
  }
  async function found(actor: Actor, id: string): Promise<Transcription & { id: string }> {
    const row = await findTranscription(db.primary, { id, user_id: actor.user_id, now: now() })
    if (!row) throw transcriptionNotFound()
    if (row.state !== 'queued') return row
    // A job that was cancelled, or died with its process, could not say so itself.
    const job = await jobs.get(row.job_id)
    const isUnderWay = job && job.state !== 'cancelled' && job.state !== 'dead'
    return isUnderWay ? row : { ...row, state: 'failed', error_code: job?.error_code ?? 'job.cancelled' }
  }

  return {
    async create(actor, input, signal) {
      // Before the audio is looked at: without an engine nothing else matters.
      const recognizer = speech.recognizer()
      const file = openAudioFile(input.bytes)
      if (file.seconds > longest_minutes * 60) throw audioTooLong({ minutes: longest_minutes })
      if (file.seconds > short_seconds) return queue(actor, input, file.seconds)
      return recognizeShort(recognizer, file, input.language, signal)
    },
    get: found,
    async delete(actor, id) {
      const { job_id } = await found(actor, id)
      if (job_id) await jobs.cancel(job_id)
      await storage.delete(audioKey(id))
      await deleteTranscription(db.primary, id)
    },
    jobs: [job, cleanUp.job],
    cron: [cleanUp],
  }
}

async function recognizeShort(
  recognizer: Recognizer,
  file: AudioFile,
  language: string | undefined,
  signal: AbortSignal,
): Promise<Transcription> {
  // Audio that breaks in the middle shall not leave the service waiting for its end.
  const whole = new AbortController()
  const recognition = recognizer.open({
    sample_rate: audioRate,
    language,
    signal: AbortSignal.any([signal, whole.signal]),
  })
  try {
    for await (const pcm of file.pieces()) recognition.write(pcm)
    const text = await recognition.finish()
    const none = { id: null, job_id: null, error_code: null, expires_at: null }
    return { ...none, state: 'done', text, seconds: file.seconds, engine: recognizer.name }
  } finally {
    whole.abort()
  }
}
