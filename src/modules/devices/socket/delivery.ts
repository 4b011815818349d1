import { AppError, isAbort, translateError } from '#core/errors.ts'
import type { Pcm } from '#core/speech/types.ts'
import type { Commands, PendingCommand } from '../commands.ts'
import type { Command } from '../contract.ts'
import type { States } from '../state.ts'
import { withWholeUrl } from './apps.ts'
import { type Connection, send } from './connection.ts'
import { toolUnknown, turnBroken } from './errors.ts'
import { emotions } from './messages.ts'

/** What shall be played. */
export type Media = {
  /** What a device must know of a piece. @throws AppError `media.*` */
  find(kind: 'music' | 'dance', id: string, device_id: string): Promise<{ title: string }>
  /** Its sound, at the rate of the downlink. @throws AppError `media.*` */
  open(id: string): Promise<AsyncIterable<Pcm>>
}

export type DeliveryDeps = {
  commands: Pick<Commands, 'pendingCommands' | 'markSent' | 'acknowledgeCommand'>
  states: Pick<States, 'read'>
  media: Media
  onUnexpected(error: unknown): void
}

export type Delivery = ReturnType<typeof createDelivery>

/**
 * Brings commands and desired state to devices that are there. What a device cannot take right now (speech, before it
 * has listened or while it speaks) waits for the next occasion.
 */
export function createDelivery(deps: DeliveryDeps) {
  /** What went out on a connection, and is not told again there. */
  const sent = new WeakMap<Connection, Set<string>>()
  const running = new WeakMap<Connection, Promise<void>>()
  /** Those on which a command is being spoken or played. */
  const speaking = new WeakSet<Connection>()

  async function work(connection: Connection, device_id: string) {
    const done = sent.get(connection) ?? new Set()
    sent.set(connection, done)
    for (const pending of await deps.commands.pendingCommands(device_id)) {
      const { id, command } = pending
      if (done.has(id) || !canTake(connection, command, speaking.has(connection))) continue
      if (!(await deps.commands.markSent(device_id, id))) continue
      done.add(id)
      const outcome = carryOut(connection, device_id, pending)
      if (isSpoken(command) && connection.hello) speak(connection, outcome)
      else await outcome
    }
  }

  /** A song takes minutes: what else is wanted of the device does not wait for its end. */
  function speak(connection: Connection, outcome: Promise<void>) {
    speaking.add(connection)
    outcome.catch(deps.onUnexpected).finally(() => {
      speaking.delete(connection)
      commands(connection)
    })
  }

  /** Looks for what waits; calls that come meanwhile lead to one more look. Never rejects. */
  function commands(connection: Connection): void {
    const device_id = connection.caller.device?.device_id
    if (!device_id) return
    const before = running.get(connection) ?? Promise.resolve()
    running.set(connection, before.then(() => work(connection, device_id)).catch(deps.onUnexpected))
  }

  async function carryOut(connection: Connection, device_id: string, { id, command }: PendingCommand) {
    try {
      if (!connection.hello) {
        // Such a device answers by itself.
        send(connection, { type: 'control', command_id: id, command })
        return
      }
      const result = await give(connection, device_id, command)
      if (!result) {
        // It waits for the next occasion, like what could not be taken at once.
        sent.get(connection)?.delete(id)
        return
      }
      await deps.commands.acknowledgeCommand({ device_id, command_id: id, is_done: true, result })
    } catch (error) {
      // The device left in the middle: it gets the command again.
      if (isAbort(error)) return
      if (!(error instanceof AppError)) deps.onUnexpected(error)
      const known = error instanceof AppError ? error : turnBroken()
      const result = { error: known.code, detail: translateError(known, connection.locale) }
      await deps.commands.acknowledgeCommand({ device_id, command_id: id, is_done: false, result })
    }
  }

  /** Null when somebody began to talk before it could begin. @throws AppError `device_tool.*`, `media.*` */
  async function give(
    connection: Connection,
    device_id: string,
    command: Command,
  ): Promise<Record<string, unknown> | null> {
    const { id: session_id } = connection
    switch (command.kind) {
      case 'tool':
        return { text: await callTool(connection, command.tool, command.arguments) }
      case 'say':
        if (!canTake(connection, command, false)) return null
        return { spoken: await heard(connection, connection.session?.say(command.text)) }
      case 'alert': {
        const { status, message } = command
        const emotion = emotions.find(known => known === command.emotion) ?? 'neutral'
        send(connection, { type: 'alert', session_id, status, message, emotion })
        return {}
      }
      case 'music': {
        const { title } = await deps.media.find('music', command.track_id, device_id)
        const track = await deps.media.open(command.track_id)
        if (!canTake(connection, command, false)) {
          // Whoever begins to read lets go of the file at the end.
          for await (const _ of track) break
          return null
        }
        return { played: await heard(connection, connection.session?.play(title, track)) }
      }
      case 'dance': {
        const found = await deps.media.find('dance', command.dance_id, device_id)
        send(connection, { type: 'dance', result: withWholeUrl(found, connection) })
        return {}
      }
      case 'reboot':
        send(connection, { type: 'system', session_id, command: 'reboot' })
        return {}
      case 'custom':
        send(connection, { type: 'custom', session_id, payload: command.payload })
        return {}
    }
  }

  return {
    commands,
    /** Tells the device what it should be, when that is not what it last confirmed. Never rejects. */
    async desired(connection: Connection): Promise<void> {
      const device_id = connection.caller.device?.device_id
      if (!device_id) return
      try {
        const { desired, desired_version, reported_version } = await deps.states.read(device_id)
        if (desired_version > reported_version)
          send(connection, { type: 'status', device_id, desired, version: desired_version })
      } catch (error) {
        deps.onUnexpected(error)
      }
    },
  }
}

const isSpoken = ({ kind }: Command): boolean => kind === 'say' || kind === 'music'

function canTake(
  { hello, session, is_introduced }: Connection,
  command: Command,
  isSpeaking: boolean,
): boolean {
  if (!hello) return true
  if (isSpoken(command)) return session?.has_listened === true && !session.is_busy && !isSpeaking
  // The words before it would be cut off.
  if (command.kind === 'reboot') return !isSpeaking
  return command.kind !== 'tool' || is_introduced
}

/** Whether it was heard to its end. @throws AbortError when the device left in the middle */
async function heard({ webSocket }: Connection, speech: Promise<boolean> | undefined): Promise<boolean> {
  const isHeard = (await speech) ?? false
  if (!isHeard && webSocket.readyState !== webSocket.OPEN)
    throw new DOMException('The device is gone', 'AbortError')
  return isHeard
}

/** By the device's own name, whether a model may use it or not. @throws AppError `device_tool.*` */
export async function callTool(
  { mcp, iot }: Connection,
  tool: string,
  args: object,
  signal?: AbortSignal,
): Promise<string> {
  if (mcp) return mcp.call(tool, args, signal)
  if (iot) return iot.call(tool, args)
  throw toolUnknown({ tool })
}
