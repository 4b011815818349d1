import { sql } from 'kysely'
import type { Db } from '#core/db/db.ts'
import { defineError } from '#core/errors.ts'
import { newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'

export const keyReused = defineError({
  code: 'idempotency.key_reused',
  status: 422,
  en: 'This Idempotency-Key was already used with a different request. Use a new key for a new request.',
  'zh-CN': '该 Idempotency-Key 已用于另一个内容不同的请求，新请求请使用新的键。',
})
export const inProgress = defineError({
  code: 'idempotency.in_progress',
  status: 409,
  en: 'The first request with this Idempotency-Key is still running. Try again in a moment.',
  'zh-CN': '使用该 Idempotency-Key 的首个请求仍在处理中，请稍后再试。',
})
export const notReplayable = defineError({
  code: 'idempotency.not_replayable',
  status: 409,
  en: 'The request with this Idempotency-Key was carried out, but its answer was too large to keep. Read the result by its own address.',
  'zh-CN': '使用该 Idempotency-Key 的请求已完成，但结果过大而未保存，请直接查询结果。',
})
export const invalidKey = defineError({
  code: 'idempotency.key_invalid',
  status: 400,
  en: 'An Idempotency-Key has 1 to 255 printable ASCII characters.',
  'zh-CN': 'Idempotency-Key 须为 1 至 255 个可打印的 ASCII 字符。',
})

export type StoredAnswer = { status: number; headers: Record<string, string>; body: string | null }

export type Begun = { kind: 'proceed'; token: string } | ({ kind: 'replay' } & StoredAnswer)

/** Remembers for 24 hours what was answered to a request with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). */
export type Idempotency = {
  /**
   * Claims a key, or hands back the answer it got. `scope` keeps callers and routes apart; `bodyHash` stands for
   * everything that the request asks for.
   * @throws {AppError} `idempotency.key_reused`, `idempotency.in_progress`, `idempotency.not_replayable`,
   * `idempotency.key_invalid`
   */
  begin(request: { scope: string; key: string; bodyHash: string }): Promise<Begun>
  /** Keeps the answer for those who ask again. */
  complete(token: string, answer: StoredAnswer): Promise<void>
  /** Frees the key: the request failed on our side, and the caller may try again. */
  abandon(token: string): Promise<void>
  /** Deletes what has expired; returns how many. For a job. */
  cleanUp(): Promise<number>
  stop(): Promise<void>
}

export type IdempotencyOptions = {
  db: Db
  log: Log
  /** Answers may hold what is shown only once (a new API token), so they are kept encrypted. */
  secrets: { encrypt(text: string, context: string): string; decrypt(text: string, context: string): string }
  /** How long a crashed process's key stays claimed. Running requests renew it. */
  lease_ms?: number
}

type Row = {
  body_hash: string
  is_done: boolean
  status: number
  headers: Record<string, string>
  body: string | null
}

const largestBody = 1024 * 1024
const cleanUpBatch = 1000

export function createIdempotency({ db, log, secrets, lease_ms = 30_000 }: IdempotencyOptions): Idempotency {
  const running = new Set<string>()
  const lease = sql`make_interval(secs => ${lease_ms / 1000})`

  const renewal = setInterval(() => {
    if (running.size === 0) return
    sql`UPDATE core_idempotency SET lease_until = now() + ${lease} WHERE token = ANY(${[...running]}::uuid[])`
      .execute(db.primary)
      .catch(error => log.warn({ error }, 'could not renew the leases of idempotency keys'))
  }, lease_ms / 3)
  renewal.unref()

  /** Takes a key that is new, expired, or whose request died with its process. */
  async function claim(scope: string, key: string, bodyHash: string): Promise<string | null> {
    const token = newId()
    const { rows } = await sql`
      INSERT INTO core_idempotency AS held (scope, key, body_hash, token, lease_until, expires_at)
      VALUES (${scope}, ${key}, ${bodyHash}, ${token}, now() + ${lease}, now() + interval '24 hours')
      ON CONFLICT (scope, key) DO UPDATE SET
        body_hash = excluded.body_hash, token = excluded.token, is_done = false,
        lease_until = excluded.lease_until, expires_at = excluded.expires_at,
        status = NULL, headers = NULL, body = NULL, created_at = now()
      WHERE held.expires_at <= now()
        OR (NOT held.is_done AND held.lease_until <= now() AND held.body_hash = excluded.body_hash)
      RETURNING token`.execute(db.primary)
    return rows.length > 0 ? token : null
  }

  return {
    async begin({ scope, key, bodyHash }) {
      if (!/^[\x20-\x7e]{1,255}$/.test(key)) throw invalidKey()
      // The row can vanish between the two queries, when its request is abandoned: then the key is free again.
      for (let attempt = 0; attempt < 5; attempt++) {
        const token = await claim(scope, key, bodyHash)
        if (token) {
          running.add(token)
          return { kind: 'proceed', token }
        }
        const { rows } = await sql<Row>`
          SELECT body_hash, is_done, status, headers, body FROM core_idempotency
          WHERE scope = ${scope} AND key = ${key}`.execute(db.primary)
        const held = rows[0]
        if (!held) continue
        if (held.body_hash !== bodyHash) throw keyReused()
        if (!held.is_done) break
        if (held.status === null) throw notReplayable()
        const body = held.body === null ? null : secrets.decrypt(held.body, 'core_idempotency')
        return { kind: 'replay', status: held.status, headers: held.headers, body }
      }
      throw inProgress({}, { retryAfter: 1 })
    },
    async complete(token, { status, headers, body }) {
      running.delete(token)
      const isKept = body === null || body.length <= largestBody
      const { numAffectedRows } = await sql`
        UPDATE core_idempotency SET
          is_done = true,
          status = ${isKept ? status : null},
          headers = ${JSON.stringify(headers)}::jsonb,
          body = ${isKept && body !== null ? secrets.encrypt(body, 'core_idempotency') : null}
        WHERE token = ${token} AND NOT is_done`.execute(db.primary)
      if (!numAffectedRows) log.warn({}, 'an idempotency key was lost before its request ended')
    },
    async abandon(token) {
      running.delete(token)
      await sql`DELETE FROM core_idempotency WHERE token = ${token} AND NOT is_done`.execute(db.primary)
    },
    async cleanUp() {
      let deleted = 0
      for (;;) {
        const { numAffectedRows } = await sql`
          DELETE FROM core_idempotency WHERE (scope, key) IN (
            SELECT scope, key FROM core_idempotency WHERE expires_at <= now() LIMIT ${cleanUpBatch}
          )`.execute(db.primary)
        deleted += Number(numAffectedRows ?? 0)
        if (Number(numAffectedRows ?? 0) < cleanUpBatch) return deleted
      }
    },
    async stop() {
      clearInterval(renewal)
    },
  }
}
