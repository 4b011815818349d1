import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { AppError, internalError } from '#core/errors.ts'
import { type CronDefinition, defineJob, type JobContext } from '#core/jobs/jobs.ts'
import type { Storage } from '#core/storage/storage.ts'
import { audioRate, openAudioFile } from './audio-file.ts'
import { recognizeLong } from './long-audio.ts'
import type { Speech } from './speech.ts'
import {
  deleteTranscription,
  endTranscription,
  expiredTranscriptions,
  isQueued,
} from './transcription-store.ts'

const attempts = 3
const deleteBatch = 200

const Task = z.object({ transcription_id: z.uuid(), language: z.string().optional() })

/** Where the audio lies until its text is there. */
export const audioKey = (id: string): string => `speech/transcriptions/${id}`

type Deps = { db: Db; clock: Clock; storage: Storage; speech: Speech }

/** Recognises long audio that waits, an utterance at a time. */
export function transcriptionJob({ db, storage, speech }: Omit<Deps, 'clock'>) {
  async function transcribe(
    bytes: Buffer,
    task: z.output<typeof Task>,
    context: JobContext,
  ): Promise<string> {
    const file = openAudioFile(bytes)
    return recognizeLong({
      pieces: file.pieces(),
      recognizer: speech.recognizer(),
      language: task.language,
      signal: context.signal,
      onProgress: samples => context.progress(Math.min(1, samples / audioRate / file.seconds)),
    })
  }
  return defineJob({
    name: 'core.transcribe_speech',
    schema: Task,
    attempts,
    timeout_ms: 2 * 60 * 60_000,
    // Each holds a recording in memory.
    concurrency: 2,
    async run(task, context) {
      const { transcription_id: id } = task
      if (!(await isQueued(db.primary, id))) return
      const stored = await storage.get(audioKey(id))
      try {
        const bytes = stored ? await buffer(stored.stream) : Buffer.alloc(0)
        const text = await transcribe(bytes, task, context)
        await endTranscription(db.primary, id, { text })
        await storage.delete(audioKey(id))
      } catch (error) {
        if (context.signal.aborted) throw error
        const { code, status } = error instanceof AppError ? error : internalError()
        if (status >= 500 && context.attempt < attempts) throw error
        await endTranscription(db.primary, id, { error_code: code })
        await storage.delete(audioKey(id))
        // Trying again would not help.
        if (status >= 500) throw error
      }
    },
  })
}

/** Removes transcriptions after their day. */
export function cleanUpJob({ db, clock, storage }: Omit<Deps, 'speech'>): CronDefinition {
  const job = defineJob({
    name: 'core.forget_transcriptions',
    schema: z.object({}),
    async run(_, { signal }) {
      for (let found = deleteBatch; found === deleteBatch && !signal.aborted; ) {
        const now = new Date(clock.now()).toISOString()
        const ids = await expiredTranscriptions(db.primary, now, deleteBatch)
        for (const id of ids) {
          await storage.delete(audioKey(id))
          await deleteTranscription(db.primary, id)
        }
        found = ids.length
      }
    },
  })
  return { name: job.name, schedule: '11 * * * *', job }
}
