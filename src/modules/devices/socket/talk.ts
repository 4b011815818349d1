import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { AppError } from '#core/errors.ts'
import type { Events } from '#core/events/events.ts'
import type { UpgradeDoor } from '#core/http/upgrades.ts'
import type { Log } from '#core/log.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { Speech } from '#core/speech/speech.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import type { Chat, SpokenTool } from '#modules/chat/contract.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { Commands } from '../commands.ts'
import { DeviceTurnCompleted } from '../contract.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { mediaNotFound } from '../integrations/media.ts'
import type { Registry } from '../registry.ts'
import type { States } from '../state.ts'
import type { talkSettings } from '../talk-config.ts'
import { visionPath } from '../vision.ts'
import { createPacer } from '../voice/pacer.ts'
import { createSession } from '../voice/session.ts'
import { downlink } from '../voice/speaker.ts'
import { type TurnTables, turnStore } from '../voice/timeline.ts'
import type { Standing, TurnResult } from '../voice/turn.ts'
import { turnMetrics } from '../voice/turn-metrics.ts'
import { type AppDeps, createApps, refuse } from './apps.ts'
import { type Connection, complain, send, sendAudio } from './connection.ts'
import type { Caller, CredentialDeps } from './credentials.ts'
import { callTool, createDelivery } from './delivery.ts'
import { createDoor } from './door.ts'
import { deviceUnowned, helloFirst, notADevice, turnBroken } from './errors.ts'
import { createIntroduction } from './introduction.ts'
import { createIot } from './iot.ts'
import { createMcp } from './mcp.ts'
import type { Iot, Listen, UpMessage } from './messages.ts'
import { createStandings } from './standings.ts'
import { toolsForModel } from './tools.ts'

export type TalkDeps = {
  db: Db
  clock: Clock
  events: Events
  realtime: Realtime
  speech: Speech
  metrics: Metrics
  log: Log
  settings: Settings<typeof talkSettings>
  chat: Chat
  identity: Identity
  registry: Registry
  states: States
  commands: Commands
  integrations: Integrations
} & Pick<CredentialDeps, 'deviceOfUser' | 'arrivalOf'> &
  Pick<AppDeps, 'sendCommand' | 'assertAccess' | 'isOnline'>

/** Milliseconds within which a piece is found. */
const mediaTime_ms = 10_000

/** Talking with devices: the socket, and all that hangs on it. */
export function createTalk(deps: TalkDeps): { door: UpgradeDoor; stop(): Promise<void> } {
  const { registry, states, clock } = deps
  const log = deps.log.child('devices.talk')
  const db = deps.db.withTables<TurnTables>()
  const pacer = createPacer()
  const observe = turnMetrics(deps.metrics)
  const received = deps.metrics.counter({
    name: 'devices_messages_total',
    help: 'Messages of devices, by type',
    labels: ['type'],
  })
  const onUnexpected = (error: unknown) => log.error({ error }, 'something went wrong with a device')
  /** Exchanges until they are recorded: the process waits for them before it leaves. */
  const writing = new Set<Promise<void>>()
  const delivery = createDelivery({
    commands: deps.commands,
    states,
    media: {
      async find(kind, id, device_id) {
        const binding = await registry.bindingOf(device_id)
        if (!binding) throw deviceUnowned()
        const ask = { user_id: binding.owner_id, id }
        const found = await deps.integrations.media(kind, ask, AbortSignal.timeout(mediaTime_ms))
        if (!('title' in found)) throw mediaNotFound()
        return found
      },
      open: id => deps.integrations.openTrack(id, downlink),
    },
    onUnexpected,
  })
  const standings = createStandings(deps)
  const introduce = createIntroduction({ ...deps, delivery, log })
  const apps = createApps({ ...deps, standingOf: standings.of, carryOn: standings.carryOn })

  /** The device's own tools, and what the house adds to them. */
  function toolsOf(connection: Connection, device_id: string, { user_id, locale }: Standing): SpokenTool[] {
    const own = toolsForModel(
      [...connection.tools, ...(connection.iot?.tools() ?? [])],
      (name, args, signal) => callTool(connection, name, args, signal),
    )
    const taken = new Set(own.map(({ name }) => name))
    const added = deps.integrations.tools({
      user_id,
      locale,
      async play(kind, id) {
        const command = kind === 'music' ? { kind, track_id: id } : { kind, dance_id: id }
        await deps.sendCommand(user_id, device_id, command)
      },
    })
    return [...own, ...added.filter(({ name }) => !taken.has(name))]
  }

  function sessionOf(connection: Connection) {
    const { device } = connection.caller
    if (!device) throw notADevice()
    if (!connection.hello) throw helloFirst()
    connection.session ??= createSession(
      {
        chat: deps.chat,
        recognizer: deps.speech.recognizer,
        synthesizer: deps.speech.synthesizer,
        pacer,
        settings: deps.settings,
      },
      {
        session_id: connection.id,
        device_id: device.device_id,
        locale: () => connection.locale,
        standing: () => standings.of(connection),
        tools: who => toolsOf(connection, device.device_id, who),
        send: message => send(connection, message),
        sendError: error => complain(connection, error),
        sendAudio: (packet, timestamp) => sendAudio(connection, packet, timestamp),
        onSpeech() {
          connection.active_at = performance.now()
        },
        onTurn(done, source) {
          const started_at = new Date(clock.now()).toISOString()
          const job = done
            .then(result => {
              connection.active_at = performance.now()
              delivery.commands(connection)
              return record(connection, device.device_id, result, { source, started_at })
            })
            .catch(onUnexpected)
            .finally(() => writing.delete(job))
          writing.add(job)
        },
        onUnexpected,
      },
    )
    return connection.session
  }

  async function record(
    connection: Connection,
    device_id: string,
    result: TurnResult,
    { source, started_at }: { source: 'voice' | 'text'; started_at: string },
  ) {
    const { standing, outcome, conversation_id, ...rest } = result
    if (outcome === 'empty') return
    observe(result, source)
    if (!standing) return
    const { user_id, bot_id } = standing
    if (conversation_id) standings.carryOn(connection, conversation_id)
    const wasSpoken = outcome === 'done' || rest.first_audio_ms !== null
    const turn = { ...rest, device_id, user_id, bot_id, conversation_id, source, outcome, started_at }
    await db.transaction(async tx => {
      await turnStore.insert(tx, turn)
      const { id: turn_id, spoken_ms } = turn
      if (wasSpoken)
        await deps.events.publish(tx, DeviceTurnCompleted, { turn_id, device_id, user_id, bot_id, spoken_ms })
    })
  }

  function takeIot(connection: Connection, message: Iot) {
    const { device } = connection.caller
    if (!device) throw notADevice()
    connection.iot ??= createIot(command =>
      send(connection, { type: 'iot', session_id: connection.id, commands: [command] }),
    )
    const reported = connection.iot.receive(message)
    if (reported)
      apps.inOrder(connection, () => states.recordReported(device.device_id, reported)).catch(onUnexpected)
  }

  function onMessage(connection: Connection, message: UpMessage) {
    switch (message.type) {
      case 'ping':
        return send(connection, { type: 'pong', timestamp: clock.now() })
      case 'listen':
        sessionOf(connection).listen(withoutEcho(connection, message))
        return delivery.commands(connection)
      case 'abort':
        apps.stop(connection)
        return connection.session
          ? connection.session.abort()
          : send(connection, { type: 'tts', session_id: connection.id, state: 'stop' })
      case 'mcp':
        return connection.mcp?.receive(message.payload)
      case 'iot':
        return takeIot(connection, message)
      case 'goodbye':
        connection.session?.close()
        // Whoever listens again begins anew: what is closed hears nothing, and nobody would end what it began.
        connection.session = null
        return
      case 'chat':
        if (connection.caller.device && connection.hello) return sessionOf(connection).ask(message.text)
    }
    if (!connection.hello && !connection.is_introduced) {
      connection.is_introduced = true
      delivery.commands(connection)
    }
    apps.handle(connection, message).catch(error => {
      if (!(error instanceof AppError)) onUnexpected(error)
      refuse(connection, message, error instanceof AppError ? error : turnBroken())
    })
  }

  const door = createDoor({
    ...deps,
    log,
    handlers: {
      onHello(connection, hello) {
        if (!connection.caller.device) return
        if (hello.features?.mcp)
          connection.mcp = createMcp(
            payload => send(connection, { type: 'mcp', session_id: connection.id, payload: { ...payload } }),
            visionOf(connection.caller),
            log,
          )
        introduce(connection).catch(onUnexpected)
      },
      onMessage,
      onUnexpected,
      count: type => received.inc({ type }),
    },
    onNews(connection, news) {
      if (news === 'commands') delivery.commands(connection)
      else delivery.desired(connection).catch(onUnexpected)
    },
    onClose(connection) {
      connection.session?.close()
      connection.mcp?.stop()
      apps.stop(connection)
    },
    isBusy: ({ session }) => session?.is_busy ?? false,
  })

  return {
    door,
    async stop() {
      await Promise.all(writing)
      pacer.stop()
    },
  }
}

/** A device that signed in by itself may send pictures with the same token. */
const visionOf = ({ credentials, origin }: Caller) =>
  credentials && { url: `${origin}${visionPath}`, token: credentials.token }

/** With `aec`, a device leaves its echo to us; as nobody here takes it away, we do not listen while it speaks. */
const withoutEcho = ({ hello }: Connection, message: Listen): Listen =>
  hello?.features?.aec && message.mode === 'realtime' ? { ...message, mode: 'auto' } : message
