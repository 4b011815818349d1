import type { Generated, JSONColumnType } from 'kysely'

/*
 * The module's tables, as Kysely sees them. Times are ISO 8601 texts both ways; ids are UUIDv7, so that they order
 * rows by the time they were made.
 */
export type DevicesTables = {
  devices_type: TypeTable
  devices_batch: BatchTable
  devices_import: ImportTable
  devices_device: DeviceTable
  devices_group: GroupTable
  devices_group_device: { group_id: string; device_id: string }
  devices_activation: ActivationTable
  devices_claim_guard: ClaimGuardTable
  devices_binding: BindingTable
  devices_member: MemberTable
  devices_offer: OfferTable
  devices_history: HistoryTable
  devices_state: StateTable
  devices_command: CommandTable
  devices_broadcast: BroadcastTable
  devices_firmware: FirmwareTable
}

/** A plain JSON object. */
export type JsonObject = Record<string, unknown>

type TypeTable = {
  id: string
  key: string
  name: string
  category: string
  description: Generated<string>
  /** JSON Schema of what can be set on such a device. */
  properties_schema: JSONColumnType<JsonObject>
  capabilities: JSONColumnType<string[]>
  /** What a device is that nobody announced. */
  is_default: Generated<boolean>
  created_at: Generated<string>
  updated_at: Generated<string>
}

type BatchTable = {
  id: string
  type_id: string
  name: string
  factory: Generated<string>
  produced_on: string | null
  serial_from: string | null
  serial_to: string | null
  /** Its devices can be claimed only after they have proved that they hold their factory key. */
  requires_proof: Generated<boolean>
  notes: Generated<string>
  created_at: Generated<string>
}

export type ImportProblem = { line: number; value: string; code: string }

type ImportTable = {
  id: string
  batch_id: string
  user_id: string | null
  file_name: string
  size: number
  /** Null once the file is used up. */
  storage_key: string | null
  encoding: string | null
  state: 'queued' | 'running' | 'done' | 'failed'
  /** Written with the devices of these lines: where a new attempt goes on. */
  lines_done: Generated<number>
  added: Generated<number>
  refused: Generated<number>
  /** The first thousand. */
  problems: JSONColumnType<ImportProblem[]>
  error_code: string | null
  job_id: string | null
  created_at: Generated<string>
  finished_at: string | null
}

/** `produced`: known from the factory. `activated`: heard of, without an owner. */
export type DeviceState = 'produced' | 'activated' | 'bound' | 'retired'

export type Network = { type?: string; ssid?: string; rssi?: number; ip?: string }

type DeviceTable = {
  id: string
  type_id: string
  batch_id: string | null
  /** Lower case, with colons. */
  mac: string
  serial: string | null
  state: DeviceState
  approval: Generated<'approved' | 'pending' | 'refused'>
  /** The one installation that speaks for a bound device: see ota.ts. */
  client_id: string | null
  /** Part of the device's token: one more, and all earlier tokens are void. */
  token_epoch: Generated<number>
  /** The factory's HMAC key, encrypted. */
  proof_key_sealed: string | null
  firmware_version: string | null
  board: string | null
  /** Percent. */
  battery: number | null
  network: JSONColumnType<Network> | null
  last_ip: string | null
  last_seen_at: string | null
  /** Online while this lies ahead; its connection renews it. */
  online_until: string | null
  /** One more with every coming and going; whoever came with the present one may renew or end the presence. */
  presence_epoch: Generated<number>
  first_online_at: string | null
  created_at: Generated<string>
}

type GroupTable = { id: string; name: string; description: Generated<string>; created_at: Generated<string> }

type ActivationTable = {
  id: string
  device_id: string
  client_id: string
  code: string
  challenge: string
  is_open: Generated<boolean>
  claimed_at: string | null
  /** When the device proved by HMAC that it holds the factory's key. */
  proven_at: string | null
  created_at: Generated<string>
  expires_at: string
}

type ClaimGuardTable = { key: string; failures: number; blocked_until: string; last_failure_at: string }

type BindingTable = {
  id: string
  device_id: string
  owner_id: string
  name: string
  bot_id: string | null
  is_primary: Generated<boolean>
  created_at: Generated<string>
}

type MemberTable = { binding_id: string; user_id: string; created_at: Generated<string> }

type OfferTable = {
  id: string
  binding_id: string
  kind: 'member' | 'transfer'
  /** Whom it is for; null for whoever has the link. */
  user_id: string | null
  token_hash: string | null
  created_at: Generated<string>
  expires_at: string
}

export type HistoryKind =
  | 'claimed'
  | 'paired_again'
  | 'released'
  | 'transferred'
  | 'member_joined'
  | 'member_left'
  | 'approved'
  | 'refused'
  | 'retired'
  | 'reinstated'

type HistoryTable = {
  id: string
  device_id: string
  /** Owners see what happened under their own binding only. */
  binding_id: string | null
  kind: HistoryKind
  user_id: string | null
  other_user_id: string | null
  created_at: Generated<string>
}

type StateTable = {
  device_id: string
  desired: JSONColumnType<JsonObject>
  desired_version: Generated<number>
  desired_at: string | null
  reported: JSONColumnType<JsonObject>
  /** The desired version that the device has confirmed. */
  reported_version: Generated<number>
  reported_at: string | null
}

export type CommandState = 'queued' | 'sent' | 'done' | 'failed' | 'expired' | 'cancelled'

type CommandTable = {
  id: string
  device_id: string
  /** Under whose ownership it was given; null from an operator. */
  binding_id: string | null
  broadcast_id: string | null
  command: JSONColumnType<JsonObject>
  state: CommandState
  created_by: string | null
  result: JSONColumnType<JsonObject> | null
  created_at: Generated<string>
  expires_at: string
  sent_at: string | null
  finished_at: string | null
}

type BroadcastTable = {
  id: string
  type_id: string | null
  group_id: string | null
  command: JSONColumnType<JsonObject>
  expires_at: string
  total: number | null
  sent: Generated<number>
  last_device_id: string | null
  is_done: Generated<boolean>
  job_id: string | null
  created_by: string | null
  created_at: Generated<string>
}

type FirmwareTable = {
  id: string
  type_id: string
  version: string
  /** The version with each part padded: orders by age, and knows 1.2 and 1.2.0 as one. */
  version_key: string
  min_version: string | null
  notes: Generated<string>
  file_name: string
  size: number
  sha256: string
  storage_key: string
  state: Generated<'draft' | 'rolling' | 'paused' | 'withdrawn'>
  percent: Generated<number>
  group_id: string | null
  is_forced: Generated<boolean>
  created_by: string | null
  created_at: Generated<string>
  updated_at: Generated<string>
}
