import { createHmac, randomInt, timingSafeEqual } from 'node:crypto'
import { type Kysely, type Selectable, sql } from 'kysely'
import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { newId, newToken } from '#core/ids.ts'
import type { Secrets } from '#core/security/secrets.ts'
import { challengeStale, proofInvalid } from './errors.ts'
import type { DevicesTables } from './tables.ts'

type Rows = Kysely<DevicesTables>
export type Activation = Selectable<DevicesTables['devices_activation']>

/** How long a code can be typed in. */
export const codeLifeMs = 10 * 60_000
/** A code that is about to lapse is not shown any more. */
const leastLifeMs = 60_000
const maxDraws = 50

/** Under which a device's factory key is encrypted. */
export const proofContext = (device_id: string): string => `devices_device.proof_key:${device_id}`

/** What a device with a factory key sends to show that it holds it. */
export type Proof = { challenge: string; hmac: string; serial_number?: string | undefined }

export type Activations = ReturnType<typeof createActivations>

/** The six digits by which a device finds its owner. */
export function createActivations(deps: { db: Db; clock: Clock; secrets: Secrets }) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock, secrets } = deps
  const iso = (plus = 0) => new Date(clock.now() + plus).toISOString()

  const openOne = (device_id: string, client_id: string) =>
    db.primary
      .selectFrom('devices_activation')
      .selectAll()
      .where('device_id', '=', device_id)
      .where('client_id', '=', client_id)
      .where('is_open', '=', true)
      .executeTakeFirst()

  const close = (where: { id?: string; lapsedCode?: string }) =>
    db.primary
      .updateTable('devices_activation')
      .set({ is_open: false })
      .where('is_open', '=', true)
      .$if(where.id !== undefined, query => query.where('id', '=', where.id ?? ''))
      .$if(where.lapsedCode !== undefined, query =>
        query.where('code', '=', where.lapsedCode ?? '').where('expires_at', '<=', iso()),
      )
      .execute()

  return {
    /**
     * The code that this installation of a device shows: the one it has, or a new one. Two unique indexes decide
     * between callers at once: a code stands for one device, and a device has one code.
     */
    async open(device_id: string, client_id: string): Promise<Activation> {
      for (let draw = 0; draw < maxDraws; draw++) {
        const known = await openOne(device_id, client_id)
        if (known && Date.parse(known.expires_at) > clock.now() + leastLifeMs) return known
        if (known) await close({ id: known.id })
        const code = randomInt(1_000_000).toString().padStart(6, '0')
        await close({ lapsedCode: code })
        const made = await db.primary
          .insertInto('devices_activation')
          .values({
            id: newId(),
            device_id,
            client_id,
            code,
            challenge: newToken(24),
            claimed_at: null,
            proven_at: null,
            created_at: iso(),
            expires_at: iso(codeLifeMs),
          })
          .onConflict(conflict => conflict.doNothing())
          .returningAll()
          .executeTakeFirst()
        if (made) return made
      }
      throw new Error('No free activation code was found')
    },

    /** The newest activation of this installation, closed ones included. */
    latest: (device_id: string, client_id: string): Promise<Activation | undefined> =>
      db.primary
        .selectFrom('devices_activation')
        .selectAll()
        .where('device_id', '=', device_id)
        .where('client_id', '=', client_id)
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst(),

    /**
     * Notes that the device proved by its factory key that it is genuine.
     * @throws AppError `device.proof_invalid`, `activation.stale` for an old challenge
     */
    async prove(
      activation: Activation,
      device: { id: string; serial: string | null; proof_key_sealed: string | null },
      proof: Proof,
    ): Promise<void> {
      if (!activation.is_open || activation.challenge !== proof.challenge) throw challengeStale()
      if (device.proof_key_sealed === null) return
      const key = Buffer.from(secrets.decrypt(device.proof_key_sealed, proofContext(device.id)), 'hex')
      const expected = createHmac('sha256', key).update(proof.challenge).digest()
      const given = Buffer.from(/^[0-9a-f]{64}$/i.test(proof.hmac) ? proof.hmac : '', 'hex')
      const isSerialRight =
        device.serial === null || proof.serial_number === undefined || proof.serial_number === device.serial
      if (given.length !== expected.length || !timingSafeEqual(given, expected) || !isSerialRight)
        throw proofInvalid()
      await db.primary
        .updateTable('devices_activation')
        .set({ proven_at: iso() })
        .where('id', '=', activation.id)
        .where('proven_at', 'is', null)
        .execute()
    },

    /** Removes codes that lapsed a day ago and more, up to `limit`; returns how many. */
    async removeLapsed(limit: number): Promise<number> {
      const { rows } = await sql<{ id: string }>`
        DELETE FROM devices_activation WHERE id IN (
          SELECT id FROM devices_activation WHERE expires_at < ${iso(-86_400_000)}
          ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ) RETURNING id`.execute(db.primary)
      return rows.length
    },
  }
}

/** The open activation of a code, locked, so that of two who type it in at once the second finds it closed. */
export const lockOpenCode = (tx: Rows, code: string): Promise<Activation | undefined> =>
  tx
    .selectFrom('devices_activation')
    .selectAll()
    .where('code', '=', code)
    .where('is_open', '=', true)
    .forUpdate()
    .executeTakeFirst()
