import type { Transaction } from 'kysely'
import { z } from 'zod'
import { defineError } from '#core/errors.ts'
import { defineEvent } from '#core/events/events.ts'
import { contractKey, type PermissionDefinition } from '#core/module.ts'

/** Any JSON object. */
export const JsonObject = z.record(z.string().max(100), z.unknown())

/** What a device can be told to do. */
export const Command = z
  .discriminatedUnion('kind', [
    z
      .object({
        kind: z.literal('tool'),
        tool: z.string().min(1).max(200).describe('A tool of the device: self.audio_speaker.set_volume.'),
        arguments: z.record(z.string().max(100), z.union([z.string().max(2000), z.number(), z.boolean()])),
      })
      .describe('Calls one of the tools that the device offers by MCP.'),
    z.object({ kind: z.literal('say'), text: z.string().min(1).max(500) }).describe('Speaks a text.'),
    z
      .object({
        kind: z.literal('alert'),
        status: z.string().min(1).max(100),
        message: z.string().min(1).max(500),
        emotion: z.string().min(1).max(40).optional().describe('Default: neutral.'),
      })
      .describe('Shows a message.'),
    z.object({ kind: z.literal('music'), track_id: z.string().min(1).max(200) }).describe('Plays a track.'),
    z
      .object({ kind: z.literal('dance'), dance_id: z.string().min(1).max(200) })
      .describe('Performs a dance.'),
    z.object({ kind: z.literal('reboot') }).describe('Restarts the device.'),
    z
      .object({ kind: z.literal('custom'), payload: JsonObject })
      .describe('For firmware with messages of its own.'),
  ])
  .meta({ id: 'DeviceCommand' })
export type Command = z.output<typeof Command>

export const CommandView = z
  .object({
    id: z.uuid(),
    device_id: z.uuid(),
    command: Command,
    state: z
      .enum(['queued', 'sent', 'done', 'failed', 'expired', 'cancelled'])
      .describe('queued: waits for the next conversation. sent: not acknowledged yet.'),
    result: JsonObject.nullable(),
    created_by: z.uuid().nullable(),
    created_at: z.string(),
    expires_at: z.string(),
    sent_at: z.string().nullable(),
    finished_at: z.string().nullable(),
  })
  .meta({ id: 'DeviceCommandView' })
export type CommandView = z.output<typeof CommandView>

export const DeviceStateView = z
  .object({
    desired: JsonObject.describe('What the device should be.'),
    desired_version: z.int(),
    desired_at: z.string().nullable(),
    reported: JsonObject.describe('What the device says it is.'),
    reported_version: z.int().describe('The desired version that the device has taken over.'),
    reported_at: z.string().nullable(),
  })
  .meta({ id: 'DeviceStateView' })
export type DeviceStateView = z.output<typeof DeviceStateView>

/** What other modules may ask for. */
export type Devices = {
  primaryDeviceOf(user_id: string): Promise<{ id: string } | null>
  /**
   * Changes what a device should be, by a merge patch.
   * @throws AppError `device.not_found`, `device_state.too_large`
   */
  setDesired(
    tx: Transaction<unknown> | null,
    device_id: string,
    patch: Record<string, unknown>,
  ): Promise<void>
  /**
   * Queues a command for a device of this user (owner or family).
   * @throws AppError `device.not_found`, `device.too_many_commands`
   */
  sendCommand(input: { user_id: string; device_id: string; command: Command }): Promise<{ id: string }>
}

export const devicesKey = contractKey<Devices>('devices')

const everyone = ['super_admin', 'admin', 'agency_admin', 'streamer', 'assistant', 'user']
const operators = ['super_admin', 'admin']

export const permissions: readonly PermissionDefinition[] = [
  { name: 'devices.use', roles: everyone },
  { name: 'devices.registry.read', roles: operators },
  { name: 'devices.registry.manage', roles: operators },
  { name: 'devices.firmware.manage', roles: operators },
  { name: 'devices.broadcasts.manage', roles: operators },
  { name: 'devices.media.manage', roles: operators },
]

export const DeviceClaimed = defineEvent(
  'devices.device.claimed',
  z.object({ device_id: z.uuid(), user_id: z.uuid(), type_id: z.uuid() }),
)
/** The user gave the device up, or it was taken from the account. */
export const DeviceReleased = defineEvent(
  'devices.device.released',
  z.object({ device_id: z.uuid(), user_id: z.uuid() }),
)
/** The user made this device the primary one. */
export const DevicePrimaryChosen = defineEvent(
  'devices.device.primary_chosen',
  z.object({ device_id: z.uuid(), user_id: z.uuid() }),
)
/** One spoken exchange: something was said to the device, and it answered. */
export const DeviceTurnCompleted = defineEvent(
  'devices.turn.completed',
  z.object({
    turn_id: z.uuid(),
    device_id: z.uuid(),
    user_id: z.uuid(),
    bot_id: z.uuid().nullable(),
    spoken_ms: z.int(),
  }),
)

export const deviceNotFound = defineError({
  code: 'device.not_found',
  status: 404,
  en: 'There is no such device.',
  'zh-CN': '没有这台设备。',
})
export const commandNotFound = defineError({
  code: 'command.not_found',
  status: 404,
  en: 'There is no such command.',
  'zh-CN': '没有这条指令。',
})
export const commandNotOpen = defineError({
  code: 'command.not_open',
  status: 409,
  en: 'The device has this command already, so it cannot be taken back.',
  'zh-CN': '设备已收到这条指令，无法撤回。',
})
export const commandsTooMany = defineError({
  code: 'device.too_many_commands',
  status: 409,
  en: '{limit} commands wait for this device already. Talk to it once, so that it fetches them, or cancel some.',
  'zh-CN': '已有 {limit} 条指令在等待这台设备。请先与它对话一次让它取走，或撤回几条。',
})
export const stateConflict = defineError({
  code: 'device_state.conflict',
  status: 409,
  en: 'The state was changed meanwhile (it is at version {version}). Read it again, then repeat your change.',
  'zh-CN': '状态已被其他人修改（当前版本 {version}），请刷新后重试。',
})
export const stateTooLarge = defineError({
  code: 'device_state.too_large',
  status: 413,
  en: 'The state of a device may have {limit} bytes at most.',
  'zh-CN': '设备状态不能超过 {limit} 字节。',
})
