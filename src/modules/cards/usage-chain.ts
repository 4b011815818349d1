import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Key } from '#core/security/key-file.ts'
import type { PersonalPart, UsageAction } from './redemption-tables.ts'

/*
 * The log of a batch is a chain: the hash of each row covers the row and the hash before it, under a key that is not
 * in the database. Who changes a row there cannot make its hash fit, and who removes one leaves a gap in `seq`. The
 * signed head says where a stretch ends, so that its last rows cannot be cut off.
 */

/** What a row's hash covers: everything but the personal part, of which it covers a salted digest. */
export type SealedFacts = {
  batch_id: string
  seq: number
  id: string
  /** ISO 8601, whole milliseconds. */
  at: string
  action: UsageAction
  number: number | null
  redemption_id: string | null
  reason: string | null
  cards: number
  person_digest: Buffer
}

/** What a head's signature covers. */
export type SignedFacts = {
  batch_id: string
  first_seq: number
  last_seq: number
  month: string
  previous_hash: Buffer
  hash: Buffer
  sealed_at: string
}

export type UsageChain = {
  /** Of the key that new rows are hashed with. */
  key_id: string
  /** @throws {UnknownKey} */
  hashOf(key_id: string, previous: Buffer, row: SealedFacts): Buffer
  /** @throws {UnknownKey} */
  signatureOf(key_id: string, head: SignedFacts): Buffer
}

/** The chain was made with a key that the server no longer has. */
export class UnknownKey extends Error {
  override name = 'UnknownKey'
}

/** One chain key for each of the server's keys; the first is used, the others are still accepted. */
export function createUsageChain(keys: readonly Key[]): UsageChain {
  const byId = new Map(
    keys.map(({ id, key }) => [id, createHmac('sha256', key).update('banyan cards usage').digest()]),
  )
  const [first] = keys
  if (!first) throw new Error('The usage log needs a key')
  const keyOf = (id: string) => {
    const key = byId.get(id)
    if (!key) throw new UnknownKey(`There is no key ${id}`)
    return key
  }
  return {
    key_id: first.id,
    hashOf(key_id, previous, row) {
      const { batch_id, seq, id, at, action, number, redemption_id, reason, cards, person_digest } = row
      const digest = person_digest.toString('hex')
      const facts = [batch_id, seq, id, at, action, number, redemption_id, reason, cards, digest]
      return createHmac('sha256', keyOf(key_id)).update(previous).update(JSON.stringify(facts)).digest()
    },
    signatureOf(key_id, { batch_id, first_seq, last_seq, month, previous_hash, hash, sealed_at }) {
      const hashes = [previous_hash.toString('hex'), hash.toString('hex')]
      const facts = ['head', batch_id, first_seq, last_seq, month, ...hashes, sealed_at]
      return createHmac('sha256', keyOf(key_id)).update(JSON.stringify(facts)).digest()
    },
  }
}

/** What stands before the first row of a batch. */
export const genesis = (batchId: string): Buffer =>
  createHash('sha256').update(`banyan cards usage ${batchId}`).digest()

export const newSalt = (): Buffer => randomBytes(16)

/** Ties a row to a person, as long as the salt is there; without it nothing can be learned from the digest. */
export function personDigest(salt: Buffer, person: PersonalPart): Buffer {
  const { user_id, acting_user_id, ip, region, note } = person
  return createHash('sha256')
    .update(salt)
    .update(JSON.stringify([user_id, acting_user_id, ip, region, note]))
    .digest()
}

export const sameBytes = (one: Buffer, two: Buffer): boolean =>
  one.length === two.length && timingSafeEqual(one, two)

/** The month of an ISO time in UTC, as the partitions are cut. */
export const monthOf = (at: string): string => at.slice(0, 7)
