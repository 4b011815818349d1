import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import type { Events } from '#core/events/events.ts'
import type { Actor } from '#core/http/route.ts'
import { lockOpenCode } from './activation.ts'
import { bind, findBinding, lockDevice, note } from './bindings.ts'
import type { ClaimGuard } from './claim-guard.ts'
import { DeviceClaimed } from './contract.ts'
import {
  codeExpired,
  codeMalformed,
  codeUsed,
  codeWrong,
  deviceHasOwner,
  deviceRefused,
  deviceRetired,
  proofMissing,
} from './errors.ts'
import type { Live } from './live.ts'
import type { DevicesTables } from './tables.ts'

export type Claims = ReturnType<typeof createClaims>

/** The user types in the six digits that the device shows. */
export function createClaims(deps: { db: Db; clock: Clock; events: Events; guard: ClaimGuard; live: Live }) {
  const db = deps.db.withTables<DevicesTables>()
  const { clock, events, guard, live } = deps
  type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]

  async function claim(tx: Tx, user_id: string, code: string) {
    const activation = await lockOpenCode(tx, code)
    if (!activation) throw await whyClosed(tx, code)
    if (Date.parse(activation.expires_at) <= clock.now()) throw codeExpired()
    const { device_id, client_id } = activation
    const device = await lockDevice(tx, device_id)
    if (!device) throw codeWrong()
    const { mac } = device
    if (device.state === 'retired') throw deviceRetired({ mac })
    if (device.approval !== 'approved') throw deviceRefused({ mac })
    if (activation.proven_at === null && (await needsProof(tx, device.batch_id))) throw proofMissing()
    const binding = await findBinding(tx, device_id)
    if (binding && binding.owner_id !== user_id) throw deviceHasOwner()
    await tx
      .updateTable('devices_activation')
      .set({ is_open: false, claimed_at: new Date(clock.now()).toISOString() })
      .where('device_id', '=', device_id)
      .where('is_open', '=', true)
      .execute()
    if (binding) {
      // The owner's own device after a reset: its new installation takes the place of the old.
      await tx.updateTable('devices_device').set({ client_id }).where('id', '=', device_id).execute()
      await note(tx, { device_id, binding_id: binding.id, kind: 'paired_again', user_id })
      return { device_id, isNew: false }
    }
    const name = await defaultName(tx, device)
    const { id: binding_id } = await bind(tx, { device_id, owner_id: user_id, name, client_id })
    await note(tx, { device_id, binding_id, kind: 'claimed', user_id })
    await events.publish(tx, DeviceClaimed, { device_id, user_id, type_id: device.type_id })
    return { device_id, isNew: true }
  }

  return {
    /**
     * Binds the device that shows this code to the user. The owner's own device, after it lost its memory, is paired
     * again.
     * @throws AppError `activation_code.malformed`, `activation_code.wrong`, `activation_code.expired`,
     *   `activation_code.used`, `claim.too_many_attempts`, `device.has_owner`, `device.proof_missing`,
     *   `device.too_many`, `device.retired`, `device.refused`
     */
    async claim({ user_id }: Actor, input: { code: string; ip: string }): Promise<{ device_id: string }> {
      const code = readCode(input.code)
      if (code === null) throw codeMalformed()
      await guard.begin(user_id, input.ip)
      const { device_id } = await db
        .transaction(tx => claim(tx, user_id, code))
        .catch(async error => {
          // Whoever has real digits in hand does not guess, whatever else is in the way.
          if (!isGuess(error)) await guard.succeed(user_id, input.ip)
          throw error
        })
      await guard.succeed(user_id, input.ip)
      await live.user(user_id, 'devices.updated')
      await live.socket(device_id, 'binding')
      return { device_id }
    },
  }
}

const guesses = new Set([codeWrong, codeExpired, codeUsed].map(make => make().code))
const isGuess = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && guesses.has(String(error.code))

type Rows = Parameters<typeof findBinding>[0]

async function whyClosed(tx: Rows, code: string) {
  const last = await tx
    .selectFrom('devices_activation')
    .select(['claimed_at'])
    .where('code', '=', code)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!last) return codeWrong()
  return last.claimed_at === null ? codeExpired() : codeUsed()
}

async function needsProof(tx: Rows, batch_id: string | null): Promise<boolean> {
  if (batch_id === null) return false
  const batch = await tx
    .selectFrom('devices_batch')
    .select('requires_proof')
    .where('id', '=', batch_id)
    .executeTakeFirst()
  return batch?.requires_proof ?? false
}

/** The type's name and the end of the MAC, which is printed on the box: two toys can be told apart. */
export async function defaultName(tx: Rows, device: { type_id: string; mac: string }): Promise<string> {
  const { name } = await tx
    .selectFrom('devices_type')
    .select('name')
    .where('id', '=', device.type_id)
    .executeTakeFirstOrThrow()
  return `${name} ${device.mac.slice(-5).replace(':', '').toUpperCase()}`
}

/**
 * Six digits from what people type: spaces and hyphens between them, full-width digits, and letters that look like
 * digits (O, I, l). Null for anything else.
 */
export function readCode(given: string): string | null {
  const digits = given
    .normalize('NFKC')
    .replaceAll(/[\s·-]/g, '')
    .replaceAll(/[oO]/g, '0')
    .replaceAll(/[iIl|]/g, '1')
  return /^\d{6}$/.test(digits) ? digits : null
}
