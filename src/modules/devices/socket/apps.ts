import type { z } from 'zod'
import type { AppError } from '#core/errors.ts'
import type { Chat, SpokenTurn } from '#modules/chat/contract.ts'
import type { Commands } from '../commands.ts'
import { Command, type DeviceStateView, deviceNotFound } from '../contract.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { DeviceFacts, Registry } from '../registry.ts'
import type { States } from '../state.ts'
import type { Standing } from '../voice/turn.ts'
import { type Connection, send, sendError } from './connection.ts'
import { badMessage, deviceUnowned } from './errors.ts'
import type { ChatMessage, ControlMessage, MediaMessage, StatusMessage, UpMessage } from './messages.ts'

export type AppDeps = {
  chat: Chat
  registry: Pick<Registry, 'touch'>
  states: Pick<States, 'recordReported' | 'read'>
  commands: Pick<Commands, 'acknowledgeCommand'>
  integrations: Pick<Integrations, 'weather' | 'media'>
  /** @throws AppError `device.not_found`, `device.too_many_commands` */
  sendCommand(user_id: string, device_id: string, command: Command): Promise<{ id: string }>
  /** @throws AppError `device.not_found` */
  assertAccess(user_id: string, device_id: string): Promise<void>
  isOnline(device_id: string): Promise<boolean>
  standingOf(connection: Connection): Promise<Standing | null>
  /** What a device says next belongs to this talk. */
  carryOn(connection: Connection, conversation_id: string): void
}

const timeout_ms = 20_000

/**
 * The plain messages: of simple devices, which have neither sound nor tools, and of apps, which speak for their user.
 * An app reaches devices of its user, and no others.
 */
export function createApps(deps: AppDeps) {
  /** The answer that is being written on a connection without sound. */
  const answers = new WeakMap<Connection, AbortController>()
  /** The talk that an app carries on. */
  const talks = new WeakMap<Connection, string>()
  /** The last report of a device: the next one waits for it, or an older state might win. */
  const reports = new WeakMap<Connection, Promise<void>>()

  async function userOf(connection: Connection): Promise<string> {
    const { actor } = connection.caller
    if (actor) return actor.user_id
    const standing = await deps.standingOf(connection)
    if (!standing) throw deviceUnowned()
    return standing.user_id
  }

  async function chat(connection: Connection, { text, request_id }: z.output<typeof ChatMessage>) {
    const { actor, device } = connection.caller
    const standing = device ? await deps.standingOf(connection) : null
    if (device && !standing) throw deviceUnowned()
    const user_id = standing?.user_id ?? actor?.user_id
    if (!user_id) throw deviceUnowned()
    answers.get(connection)?.abort()
    const controller = new AbortController()
    answers.set(connection, controller)
    const turn: SpokenTurn = deps.chat.spokenTurn({
      user_id,
      bot_id: standing?.bot_id ?? null,
      conversation_id: (standing ? standing.conversation_id : talks.get(connection)) ?? null,
      text,
      locale: standing?.locale ?? connection.locale,
      signal: controller.signal,
    })
    turn.done.catch(() => undefined)
    turn.conversation_id.then(
      id => (standing ? deps.carryOn(connection, id) : talks.set(connection, id)),
      () => undefined,
    )
    const say = (state: 'delta' | 'done' | 'stopped', part: string) =>
      send(connection, {
        type: 'chat',
        ...(request_id === undefined ? {} : { request_id }),
        state,
        text: part,
      })
    for await (const delta of turn.deltas) say('delta', delta.text)
    say(controller.signal.aborted ? 'stopped' : 'done', '')
  }

  async function control(connection: Connection, message: ControlMessage) {
    const { device, actor } = connection.caller
    const { command_id, request_id } = message
    if (command_id && device) {
      const result = message.result === undefined ? {} : { result: message.result }
      const is_done = message.status !== 'failed'
      return deps.commands.acknowledgeCommand({ device_id: device.device_id, command_id, is_done, result })
    }
    if (!actor) throw badMessage({ reason: 'command_id' })
    if (!message.device_id) throw badMessage({ reason: 'device_id, command' })
    const command = Command.safeParse(message.command)
    if (!command.success) throw badMessage({ reason: 'command' })
    const { id } = await deps.sendCommand(actor.user_id, message.device_id, command.data)
    const answer = request_id === undefined ? {} : { request_id }
    send(connection, { type: 'control', ...answer, command_id: id, status: 'queued' })
  }

  async function status(connection: Connection, message: StatusMessage) {
    const { device, actor } = connection.caller
    if (device && (message.device_id === undefined || message.device_id === device.device_id))
      return inOrder(connection, () => report(connection, device.device_id, message))
    if (!actor || !message.device_id) throw deviceNotFound()
    await deps.assertAccess(actor.user_id, message.device_id)
    const state = await deps.states.read(message.device_id)
    const is_online = await deps.isOnline(message.device_id)
    send(connection, statusOf(message, state, { device_id: message.device_id, is_online }))
  }

  function inOrder(connection: Connection, work: () => Promise<void>): Promise<void> {
    const mine = (reports.get(connection) ?? Promise.resolve()).then(work)
    reports.set(
      connection,
      mine.catch(() => undefined),
    )
    return mine
  }

  async function report(connection: Connection, device_id: string, message: StatusMessage) {
    const facts: DeviceFacts = {
      ...(message.battery === undefined ? {} : { battery: message.battery }),
      ...(message.firmware_version ? { firmware_version: message.firmware_version } : {}),
    }
    if (Object.keys(facts).length > 0) await deps.registry.touch(device_id, facts)
    if (message.state || message.version !== undefined)
      await deps.states.recordReported(device_id, message.state ?? {}, message.version)
    send(connection, statusOf(message, await deps.states.read(device_id), { device_id }))
  }

  async function media(connection: Connection, message: MediaMessage) {
    const { type, request_id, device_id, id, query } = message
    const user_id = await userOf(connection)
    const { actor, device } = connection.caller
    if (message.action === 'play' && actor && device_id && device_id !== device?.device_id) {
      if (!id) throw badMessage({ reason: 'id' })
      const command: Command =
        type === 'music' ? { kind: 'music', track_id: id } : { kind: 'dance', dance_id: id }
      const made = await deps.sendCommand(actor.user_id, device_id, command)
      const answer = request_id === undefined ? {} : { request_id }
      send(connection, { type: 'control', ...answer, command_id: made.id, status: 'queued' })
      return
    }
    const ask = { user_id, query, id, is_play: message.action === 'play' }
    const result = await deps.integrations.media(type, ask, AbortSignal.timeout(timeout_ms))
    send(connection, {
      type,
      ...(request_id === undefined ? {} : { request_id }),
      result: withWholeUrl(result, connection),
    })
  }

  async function weather(
    connection: Connection,
    { request_id, city }: Extract<UpMessage, { type: 'weather' }>,
  ) {
    const user_id = await userOf(connection)
    const result = await deps.integrations.weather({ user_id, city }, AbortSignal.timeout(timeout_ms))
    send(connection, {
      type: 'weather',
      ...(request_id === undefined ? {} : { request_id }),
      result: { ...result },
    })
  }

  return {
    /** @throws AppError what there is to tell the sender */
    async handle(connection: Connection, message: UpMessage): Promise<void> {
      switch (message.type) {
        case 'chat':
          return chat(connection, message)
        case 'control':
          return control(connection, message)
        case 'status':
          return status(connection, message)
        case 'music':
        case 'dance':
          return media(connection, message)
        case 'weather':
          return weather(connection, message)
      }
    },
    /** After what the device reported before. */
    inOrder,
    /** Ends the answer that is being written. */
    stop: (connection: Connection) => answers.get(connection)?.abort(),
  }
}

const statusOf = (
  { request_id }: StatusMessage,
  { desired, desired_version, reported }: DeviceStateView,
  about: { device_id: string; is_online?: boolean },
) =>
  ({
    type: 'status',
    ...(request_id === undefined ? {} : { request_id }),
    ...about,
    desired,
    version: desired_version,
    reported,
  }) as const

/** A piece with the address of its file as this client reaches us: it has no page that a path could belong to. */
export const withWholeUrl = (
  piece: object,
  { caller }: Pick<Connection, 'caller'>,
): Record<string, unknown> =>
  'url' in piece ? { ...piece, url: new URL(String(piece.url), caller.origin).href } : { ...piece }

/** Tells the sender of a message why nothing came of it. */
export function refuse(connection: Connection, message: UpMessage, error: AppError): void {
  const { request_id } = message
  sendError(
    connection,
    error,
    typeof request_id === 'string' || typeof request_id === 'number' ? request_id : undefined,
  )
}
