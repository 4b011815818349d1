import type { Generated } from 'kysely'
import type { CardsTables } from './tables.ts'

/** The tables of the module, those of redeeming among them. Times are ISO 8601 texts both ways. */
export type RedemptionTables = CardsTables & {
  cards_redemption: RedemptionTable
  cards_usage_pending: PendingTable
  cards_usage: UsageTable
  cards_usage_head: HeadTable
  cards_statistic: StatisticTable
  cards_expiry: ExpiryTable
  cards_guard: GuardTable
}

/** The ledger: who redeemed which card. While it is not undone, it is an item of the user's collection. */
type RedemptionTable = {
  id: string
  batch_id: string
  number: number
  template_id: string
  template_version: number
  /** Null once the user was deleted. */
  user_id: string | null
  redeemed_at: string
  /** By whom and why stands in the log. */
  undone_at: string | null
}

/** `redeemed`, `undone`, `refused` (an attempt that failed) or `expired` (all that was left of a batch). */
export const usageActions = ['redeemed', 'undone', 'refused', 'expired'] as const
export type UsageAction = (typeof usageActions)[number]

/** What may be erased with a user. The log's hashes cover only a salted digest of it. */
export type PersonalPart = {
  user_id: string | null
  /** The administrator who undid it. */
  acting_user_id: string | null
  ip: string | null
  region: string | null
  /** The administrator's words. */
  note: string | null
}

type PendingTable = PersonalPart & {
  id: string
  at: string
  action: UsageAction
  /** `unknownBatch` for codes that no card has. */
  batch_id: string
  number: number | null
  redemption_id: string | null
  /** Of a refusal: why. Of an undone redemption: what became of the card. */
  reason: string | null
  cards: Generated<number>
}

/** The log. Rows are added and never changed, but for the erasure of their personal part. */
type UsageTable = PersonalPart & {
  batch_id: string
  /** 1, 2, 3 … without gaps within a batch. */
  seq: number
  at: string
  id: string
  action: UsageAction
  number: number | null
  redemption_id: string | null
  reason: string | null
  cards: number
  /** SHA-256 of the salt and the personal part. */
  person_digest: Buffer
  /** HMAC of the row and the hash before it, see `usage-chain.ts`. */
  hash: Buffer
  /** Null once the personal part was erased. */
  salt: Buffer | null
}

/** The signed end of a stretch of a batch's chain, all of one month. */
type HeadTable = {
  batch_id: string
  first_seq: number
  last_seq: number
  /** `2026-11`, in UTC as the partitions are. */
  month: string
  previous_hash: Buffer
  hash: Buffer
  key_id: string
  signature: Buffer
  sealed_at: string
}

type StatisticTable = {
  batch_id: string
  /** In Asia/Shanghai. */
  day: string
  /** Empty where it is not known. */
  region: string
  redeemed: Generated<number>
  undone: Generated<number>
  refused: Generated<number>
  expired: Generated<number>
}

type ExpiryTable = {
  batch_id: string
  next_number: number
  expired: number
  finished_at: string | null
}

/** `all`, `ip:…` or `user:…`, and how often codes from there did not work lately. */
type GuardTable = {
  scope: string
  failures: number
  last_failed_at: string
  blocked_until: string | null
}

/** Stands for the batch of codes that no card has. */
export const unknownBatch = '00000000-0000-0000-0000-000000000000'
