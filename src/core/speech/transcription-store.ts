import { sql } from 'kysely'
import type { Executor } from '#core/db/db.ts'

export type TranscriptionRow = {
  id: string
  job_id: string
  engine: string
  seconds: number
  state: 'queued' | 'done' | 'failed'
  text: string | null
  error_code: string | null
  expires_at: string
}

export async function insertTranscription(
  db: Executor,
  row: Pick<TranscriptionRow, 'id' | 'job_id' | 'engine' | 'seconds' | 'expires_at'> & { user_id: string },
): Promise<void> {
  await sql`
    INSERT INTO speech_transcription (id, user_id, job_id, engine, seconds, state, expires_at)
    VALUES (${row.id}, ${row.user_id}, ${row.job_id}, ${row.engine}, ${row.seconds}, 'queued', ${row.expires_at})`.execute(
    db,
  )
}

/** One of the user's own that has not expired. */
export async function findTranscription(
  db: Executor,
  { id, user_id, now }: { id: string; user_id: string; now: string },
): Promise<TranscriptionRow | null> {
  const { rows } = await sql<TranscriptionRow>`
    SELECT id, job_id, engine, seconds, state, text, error_code, expires_at FROM speech_transcription
    WHERE id = ${id} AND user_id = ${user_id} AND expires_at > ${now}`.execute(db)
  return rows[0] ?? null
}

/** Notes how it ended; not twice, and not after it was deleted. */
export async function endTranscription(
  db: Executor,
  id: string,
  end: { text: string } | { error_code: string },
): Promise<void> {
  const [state, text, error_code] =
    'text' in end ? ['done', end.text, null] : ['failed', null, end.error_code]
  await sql`
    UPDATE speech_transcription SET state = ${state}, text = ${text}, error_code = ${error_code}
    WHERE id = ${id} AND state = 'queued'`.execute(db)
}

export async function isQueued(db: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM speech_transcription WHERE id = ${id} AND state = 'queued'`.execute(db)
  return rows.length > 0
}

export async function deleteTranscription(db: Executor, id: string): Promise<void> {
  await sql`DELETE FROM speech_transcription WHERE id = ${id}`.execute(db)
}

export async function expiredTranscriptions(db: Executor, now: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM speech_transcription WHERE expires_at <= ${now} LIMIT ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}
