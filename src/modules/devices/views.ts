import { z } from 'zod'
import { CommandView, DeviceStateView, JsonObject } from './contract.ts'

export { CommandView, DeviceStateView, JsonObject }

/* What goes over the wire. */

const Person = z.object({ id: z.uuid(), username: z.string(), display_name: z.string() })
export type Person = z.output<typeof Person>

const Network = z.object({
  type: z.string().optional(),
  ssid: z.string().optional(),
  rssi: z.number().optional(),
  ip: z.string().optional(),
})

export const Presence = z.object({
  is_online: z.boolean().describe('Its connection is open: somebody talks to it, or just did.'),
  last_seen_at: z.string().nullable(),
  battery: z.int().nullable().describe('Percent.'),
  network: Network.nullable(),
  firmware_version: z.string().nullable(),
})

export const DeviceType = z
  .object({
    id: z.uuid(),
    key: z.string(),
    name: z.string(),
    category: z.string(),
    description: z.string(),
    properties_schema: JsonObject.describe('JSON Schema of what can be set on such a device.'),
    capabilities: z.array(z.string()),
    is_default: z.boolean().describe('What a device is that no batch lists.'),
    devices: z.int().optional(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'DeviceType' })
export type DeviceType = z.output<typeof DeviceType>

/** A device as its owner and the family see it. */
export const Device = z
  .object({
    id: z.uuid(),
    name: z.string(),
    role: z.enum(['owner', 'member']),
    owner: Person.nullable(),
    is_primary: z.boolean().describe('Items of redeemed cards go to the owner’s primary device.'),
    bot_id: z.uuid().nullable().describe('Who answers; null: just the assistant.'),
    type: DeviceType.pick({ id: true, key: true, name: true, category: true, capabilities: true }).extend({
      properties_schema: JsonObject,
    }),
    mac: z.string(),
    serial: z.string().nullable(),
    board: z.string().nullable(),
    presence: Presence,
    bound_at: z.string(),
  })
  .meta({ id: 'Device' })
export type Device = z.output<typeof Device>

export const Member = z
  .object({
    user_id: z.uuid(),
    role: z.enum(['owner', 'member']),
    user: Person.nullable(),
    since: z.string(),
  })
  .meta({ id: 'DeviceMember' })
export type Member = z.output<typeof Member>

export const Offer = z
  .object({
    id: z.uuid(),
    kind: z.enum(['member', 'transfer']).describe('To join the family, or to take the device over.'),
    device: z.object({ id: z.uuid(), name: z.string() }),
    from: Person.nullable(),
    to: Person.nullable().describe('Null: whoever has the link.'),
    url_path: z.string().nullable().describe('The link’s path; told once, to whom makes it.'),
    created_at: z.string(),
    expires_at: z.string(),
  })
  .meta({ id: 'DeviceOffer' })
export type Offer = z.output<typeof Offer>

export const HistoryEntry = z
  .object({
    id: z.uuid(),
    kind: z.enum([
      'claimed',
      'paired_again',
      'released',
      'transferred',
      'member_joined',
      'member_left',
      'approved',
      'refused',
      'retired',
      'reinstated',
    ]),
    user: Person.nullable(),
    other_user: Person.nullable(),
    created_at: z.string(),
  })
  .meta({ id: 'DeviceHistoryEntry' })
export type HistoryEntry = z.output<typeof HistoryEntry>

export const Batch = z
  .object({
    id: z.uuid(),
    type_id: z.uuid(),
    type_name: z.string(),
    name: z.string(),
    factory: z.string(),
    produced_on: z.string().nullable(),
    serial_from: z.string().nullable(),
    serial_to: z.string().nullable(),
    requires_proof: z
      .boolean()
      .describe('Its devices can be claimed only after they have proved that they hold their factory key.'),
    notes: z.string(),
    devices: z.int(),
    activated: z.int().describe('Of these, how many were ever switched on.'),
    created_at: z.string(),
  })
  .meta({ id: 'DeviceBatch' })
export type Batch = z.output<typeof Batch>

export const ImportView = z
  .object({
    id: z.uuid(),
    batch_id: z.uuid(),
    file_name: z.string(),
    size: z.int().describe('Bytes.'),
    encoding: z.string().nullable(),
    state: z.enum(['queued', 'running', 'done', 'failed']),
    lines_done: z.int(),
    added: z.int(),
    refused: z.int(),
    problems: z
      .array(z.object({ line: z.int(), value: z.string(), code: z.string(), detail: z.string() }))
      .describe('The first 1000 lines that were not taken, and why.'),
    error: z.string().nullable().describe('Why the whole file was refused.'),
    job_id: z.uuid().nullable(),
    created_at: z.string(),
    finished_at: z.string().nullable(),
  })
  .meta({ id: 'DeviceImport' })
export type ImportView = z.output<typeof ImportView>

/** A device as operators see it. */
export const Registration = z
  .object({
    id: z.uuid(),
    mac: z.string(),
    serial: z.string().nullable(),
    state: z.enum(['produced', 'activated', 'bound', 'retired']),
    approval: z.enum(['approved', 'pending', 'refused']),
    type_id: z.uuid(),
    type_name: z.string(),
    batch_id: z.uuid().nullable(),
    batch_name: z.string().nullable(),
    board: z.string().nullable(),
    has_proof_key: z.boolean(),
    owner: Person.nullable(),
    presence: Presence,
    first_online_at: z.string().nullable(),
    created_at: z.string(),
  })
  .meta({ id: 'DeviceRegistration' })
export type Registration = z.output<typeof Registration>

export const Group = z
  .object({
    id: z.uuid(),
    name: z.string(),
    description: z.string(),
    devices: z.int(),
    created_at: z.string(),
  })
  .meta({ id: 'DeviceGroup' })
export type Group = z.output<typeof Group>

/** Names of people for a list, in one read. */
export type PeopleOf = (ids: readonly (string | null)[]) => Promise<(id: string | null) => Person | null>
