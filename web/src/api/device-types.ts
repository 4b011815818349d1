export type Person = { id: string; username: string; display_name: string }
export type Presence = {
  is_online: boolean
  last_seen_at: string | null
  /** Percent. */
  battery: number | null
  network: { type?: string; ssid?: string; rssi?: number; ip?: string } | null
  firmware_version: string | null
}
export type JsonObject = Record<string, unknown>

/** A device as its owner and the family see it. */
export type Device = {
  id: string
  name: string
  role: 'owner' | 'member'
  owner: Person | null
  is_primary: boolean
  bot_id: string | null
  type: {
    id: string
    key: string
    name: string
    category: string
    capabilities: string[]
    properties_schema: JsonObject
  }
  mac: string
  serial: string | null
  board: string | null
  presence: Presence
  bound_at: string
}
export type DevicePatch = { name?: string; bot_id?: string | null; is_primary?: true }
export type DeviceState = {
  desired: JsonObject
  desired_version: number
  desired_at: string | null
  reported: JsonObject
  reported_version: number
  reported_at: string | null
}
export type DeviceCommand =
  | { kind: 'tool'; tool: string; arguments: Record<string, string | number | boolean> }
  | { kind: 'say'; text: string }
  | { kind: 'alert'; status: string; message: string; emotion?: string }
  | { kind: 'music'; track_id: string }
  | { kind: 'dance'; dance_id: string }
  | { kind: 'reboot' }
  | { kind: 'custom'; payload: JsonObject }
export type CommandState = 'queued' | 'sent' | 'done' | 'failed' | 'expired' | 'cancelled'
export type CommandView = {
  id: string
  command: DeviceCommand
  state: CommandState
  result: JsonObject | null
  created_at: string
  expires_at: string
  finished_at: string | null
}
export type Member = { user_id: string; role: 'owner' | 'member'; user: Person | null; since: string }
export type Offer = {
  id: string
  kind: 'member' | 'transfer'
  device: { id: string; name: string }
  from: Person | null
  to: Person | null
  /** Told once, to whom makes the link. */
  url_path: string | null
  created_at: string
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
export type HistoryEntry = {
  id: string
  kind: HistoryKind
  user: Person | null
  other_user: Person | null
  created_at: string
}

/* What operators see. */

export type DeviceType = {
  id: string
  key: string
  name: string
  category: string
  description: string
  properties_schema: JsonObject
  capabilities: string[]
  is_default: boolean
  devices?: number
}
export type DeviceTypeInput = {
  key: string
  name: string
  category: string
  description?: string
  properties_schema?: JsonObject
  capabilities?: string[]
}
export type Batch = {
  id: string
  type_id: string
  type_name: string
  name: string
  factory: string
  produced_on: string | null
  serial_from: string | null
  serial_to: string | null
  requires_proof: boolean
  notes: string
  devices: number
  activated: number
  created_at: string
}
export type BatchInput = {
  type_id: string
  name: string
  factory?: string
  produced_on?: string | null
  serial_from?: string | null
  serial_to?: string | null
  requires_proof?: boolean
}
export type DeviceImport = {
  id: string
  file_name: string
  /** Bytes. */
  size: number
  encoding: string | null
  state: 'queued' | 'running' | 'done' | 'failed'
  lines_done: number
  added: number
  refused: number
  problems: { line: number; value: string; code: string; detail: string }[]
  error: string | null
  job_id: string | null
  created_at: string
}
export type RegistrationState = 'produced' | 'activated' | 'bound' | 'retired'
export type Registration = {
  id: string
  mac: string
  serial: string | null
  state: RegistrationState
  approval: 'approved' | 'pending' | 'refused'
  type_id: string
  type_name: string
  batch_id: string | null
  batch_name: string | null
  board: string | null
  has_proof_key: boolean
  owner: Person | null
  presence: Presence
  first_online_at: string | null
  created_at: string
}
export type RegistrationFilter = {
  q?: string | undefined
  state?: string | undefined
  approval?: string | undefined
  type_id?: string | undefined
  batch_id?: string | undefined
  group_id?: string | undefined
  is_online?: boolean | undefined
}
export type RegistrationCounts = Record<
  'total' | 'produced' | 'activated' | 'bound' | 'retired' | 'pending' | 'online',
  number
>
export type Group = { id: string; name: string; description: string; devices: number; created_at: string }
export type Broadcast = {
  id: string
  type_id: string | null
  type_name: string | null
  group_id: string | null
  group_name: string | null
  command: DeviceCommand
  total: number | null
  sent: number
  done: number
  failed: number
  is_done: boolean
  created_at: string
  expires_at: string
}
export type Firmware = {
  id: string
  type_id: string
  type_name: string
  version: string
  min_version: string | null
  notes: string
  file_name: string
  /** Bytes. */
  size: number
  sha256: string
  state: 'draft' | 'rolling' | 'paused' | 'withdrawn'
  percent: number
  group_id: string | null
  group_name: string | null
  is_forced: boolean
  installed: number
  eligible: number
  created_at: string
}
export type FirmwarePatch = {
  state?: 'rolling' | 'paused' | 'withdrawn'
  percent?: number
  group_id?: string | null
  is_forced?: boolean
  min_version?: string | null
  notes?: string
}
