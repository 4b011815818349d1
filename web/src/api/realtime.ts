/**
 * The tab's one live connection, shared by all views. It opens with the first subscription, closes some time
 * after the last, comes back with growing, jittered delays, and resumes each channel at the last message seen. It is a
 * WebSocket; where those are blocked, a stream of server-sent events, until a WebSocket gets through again.
 *
 * Has no DOM in it: sockets, timers and chance are passed in, so that tests need no browser.
 */

import { isRefusal, parse, type RealtimeItem } from './realtime-frames.ts'

export type { RealtimeItem }

/** `idle`: nobody listens. `down`: WebSocket and stream failed several times; views may poll until it is `open` again. */
export type RealtimeState = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'down' | 'signed_out'

export type Subscriber<T = unknown> = {
  /** Continue after this message; without it, from now on. */
  from?: string | undefined
  onItems: (items: RealtimeItem<T>[]) => void
  /**
   * The channel is live from `position` on. `recovered: false` after a cut means that messages may be missing:
   * read the resource again. Called at the start (recovered is then true unless `from` was given and lost) and
   * after every reconnect.
   */
  onReady?: (ready: { position: string; recovered: boolean }) => void
  onError?: (error: { code: string; detail: string }) => void
}

export type Realtime = {
  /** Listens to a channel until the returned function is called. */
  subscribe<T>(channel: string, subscriber: Subscriber<T>): () => void
  state(): RealtimeState
  /** For `useSyncExternalStore`: calls back whenever `state()` changed. */
  onState(listener: () => void): () => void
  /** Try now: the network came back, the tab is visible again, the person signed in. */
  retry(): void
  close(): void
}

/** What one listens to. */
export type Wire = {
  close(code?: number, reason?: string): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number }) => void) | null
  onerror: ((event: never) => void) | null
}

/** The part of a browser's WebSocket that is used. */
export type Socket = Wire & { send(text: string): void }

/** A channel, and the last message of it that was seen. */
export type Following = { channel: string; from?: string }

export type RealtimeOptions = {
  open: () => Socket
  /** For networks that block WebSockets: the same frames over plain HTTP, for these channels and no others. */
  openStream: (channels: Following[]) => Wire
  /** 0 ≤ x < 1 */
  random?: () => number
  setTimer?: (run: () => void, ms: number) => unknown
  clearTimer?: (timer: unknown) => void
}

type Channel = { subscribers: Set<Subscriber>; position: string | null; isReady: boolean }

type Connection = {
  wire: Wire
  /** Null for a stream, which only listens. */
  socket: Socket | null
  /** What a stream carries; what it says of others is of an earlier subscription. */
  carries: ReadonlySet<Channel> | null
  isOpen: boolean
  /** A proxy may accept a WebSocket and let nothing through: only a message proves that it works. */
  isHeard: boolean
}

const firstDelay = 500
const longestDelay = 30_000
/** Failed attempts in a row, of both ways, after which views should not wait for it any more. */
const attemptsUntilDown = 4
const firstWordWithin = 10_000
const pingEvery = 25_000
const pongWithin = 10_000
/** The server gives a sign of life every 25 s. */
const streamSilence = 75_000
/** A view that is left and entered again should not cost a new connection. */
const lingerMs = 5_000
/** Views come and go together: one new stream for all of them. */
const gatherMs = 20
/** While a stream is in use, how often the WebSocket is tried again: twice as long each time. */
const firstProbe = 30_000
const longestProbe = 600_000

const closedSignedOut = 4001

export function createRealtime(options: RealtimeOptions): Realtime {
  const random = options.random ?? Math.random
  const setTimer = options.setTimer ?? ((run, ms) => setTimeout(run, ms))
  const clearTimer = options.clearTimer ?? (timer => clearTimeout(timer as number))

  const channels = new Map<string, Channel>()
  const listeners = new Set<() => void>()
  let state: RealtimeState = 'idle'
  let connection: Connection | null = null
  let way: 'socket' | 'stream' = 'socket'
  let failures = 0
  let probe: Socket | null = null
  let probeDelay = firstProbe
  let retryTimer: unknown = null
  let silenceTimer: unknown = null
  let lingerTimer: unknown = null
  let gatherTimer: unknown = null
  let probeTimer: unknown = null

  const setState = (next: RealtimeState) => {
    if (next === state) return
    state = next
    for (const listener of listeners) listener()
  }
  const stopTimer = (timer: unknown) => {
    if (timer !== null) clearTimer(timer)
    return null
  }
  const send = (socket: Socket, message: object) => socket.send(JSON.stringify(message))

  function connect() {
    retryTimer = stopTimer(retryTimer)
    if (connection || channels.size === 0) return
    setState(failures >= attemptsUntilDown ? 'down' : failures > 0 ? 'reconnecting' : 'connecting')
    open()
  }

  function open() {
    try {
      use(way === 'socket' ? overSocket(options.open()) : overStream())
    } catch {
      failed(false)
    }
  }

  const overStream = (): Connection => ({
    wire: options.openStream([...channels].map(([name, { position }]) => following(name, position))),
    socket: null,
    carries: new Set(channels.values()),
    isOpen: false,
    isHeard: false,
  })

  function use(next: Connection) {
    connection = next
    const { wire, socket } = next
    wire.onopen = () => {
      if (connection !== next) return
      next.isOpen = true
      if (socket) subscribeAll(socket)
    }
    wire.onmessage = event => {
      if (connection !== next) return
      if (!next.isHeard && !isRefusal(event.data)) works(next)
      watchSilence(next)
      receive(event.data, next.carries)
    }
    wire.onclose = event => {
      if (connection === next) lost(next, event.code)
    }
    wire.onerror = () => {}
    watchSilence(next)
  }

  function works(next: Connection) {
    next.isHeard = true
    failures = 0
    setState('open')
    if (!next.socket && probeTimer === null) probeLater()
  }

  function lost({ isHeard }: Connection, code: number) {
    drop()
    if (channels.size === 0) return setState('idle')
    if (code === closedSignedOut) return setState('signed_out')
    failed(isHeard)
  }

  /** Forgets the connection; whatever it still says is not for us. */
  function drop() {
    const old = connection
    connection = null
    silenceTimer = stopTimer(silenceTimer)
    gatherTimer = stopTimer(gatherTimer)
    for (const channel of channels.values()) channel.isReady = false
    return old?.wire
  }

  /** A way that worked is tried again first; after one that did not, the other. */
  function failed(hadWorked: boolean) {
    if (!hadWorked) way = way === 'socket' ? 'stream' : 'socket'
    failures += 1
    setState(failures >= attemptsUntilDown ? 'down' : 'reconnecting')
    const ceiling = Math.min(longestDelay, firstDelay * 2 ** Math.max(0, failures - 1))
    // Half fixed, half chance: quick enough for one person, spread enough for a thousand after a restart.
    retryTimer = setTimer(connect, ceiling / 2 + (random() * ceiling) / 2)
  }

  /** Any traffic proves life; a socket's silence is asked once, a stream's taken for death. */
  function watchSilence({ socket, isHeard }: Connection) {
    silenceTimer = stopTimer(silenceTimer)
    const giveUp = () => {
      drop()?.close(4000, 'no answer')
      failed(isHeard)
    }
    const ask = (asked: Socket) => {
      send(asked, { type: 'ping' })
      silenceTimer = setTimer(giveUp, pongWithin)
    }
    if (!isHeard) silenceTimer = setTimer(giveUp, firstWordWithin)
    else if (socket) silenceTimer = setTimer(() => ask(socket), pingEvery)
    else silenceTimer = setTimer(giveUp, streamSilence)
  }

  const subscribeAll = (socket: Socket) => {
    for (const [name, channel] of channels) subscribeOn(socket, name, channel)
  }
  const subscribeOn = (socket: Socket, name: string, { position }: Channel) =>
    send(socket, { type: 'subscribe', ...following(name, position) })

  /** What a stream carries is fixed when it is opened: a channel more takes a new one, from where the old one was. */
  function followOnStream() {
    gatherTimer ??= setTimer(() => {
      gatherTimer = null
      if (channels.size === 0) return
      drop()?.close(1000)
      open()
    }, gatherMs)
  }

  function probeLater() {
    probeTimer = setTimer(tryWebSocket, probeDelay)
  }

  /** Beside the stream, which goes on until the WebSocket has answered. */
  function tryWebSocket() {
    probeTimer = stopTimer(probeTimer)
    if (probe || !connection || connection.socket) return
    let opened: Socket
    try {
      opened = options.open()
    } catch {
      return probeLater()
    }
    probe = opened
    const fail = () => {
      if (probe !== opened) return
      stopProbe()
      probeDelay = Math.min(longestProbe, probeDelay * 2)
      probeLater()
    }
    probeTimer = setTimer(fail, firstWordWithin)
    opened.onopen = () => send(opened, { type: 'ping' })
    opened.onclose = fail
    opened.onerror = () => {}
    opened.onmessage = event => {
      if (probe !== opened || isRefusal(event.data)) return
      probe = null
      stopProbe()
      moveTo(opened)
    }
  }

  function stopProbe() {
    probeTimer = stopTimer(probeTimer)
    const old = probe
    probe = null
    old?.close(1000)
  }

  function moveTo(socket: Socket) {
    retryTimer = stopTimer(retryTimer)
    drop()?.close(1000)
    way = 'socket'
    probeDelay = firstProbe
    const next = { ...overSocket(socket), isOpen: true }
    use(next)
    works(next)
    watchSilence(next)
    subscribeAll(socket)
  }

  function receive(text: unknown, carries: ReadonlySet<Channel> | null) {
    const frame = parse(text)
    if (!frame) return
    const channel = frame.channel === undefined ? undefined : channels.get(frame.channel)
    if (channel && carries && !carries.has(channel)) return
    if (frame.type === 'error') {
      const error = { code: frame.code, detail: frame.detail }
      const targets = channel ? [channel] : frame.channel === undefined ? [...channels.values()] : []
      for (const target of targets) for (const each of target.subscribers) each.onError?.(error)
      return
    }
    if (!channel) return
    if (frame.type === 'subscribed') {
      channel.isReady = true
      // A recovered channel replays what follows its old position; only those messages may move it.
      if (!frame.recovered || channel.position === null) channel.position = frame.position
      const ready = { position: frame.position, recovered: frame.recovered }
      for (const each of [...channel.subscribers]) each.onReady?.(ready)
    } else if (channel.isReady) {
      // Before `subscribed` it can only be the rest of an earlier subscription to the same channel.
      const last = frame.items.at(-1)
      if (!last) return
      channel.position = last.id
      for (const each of [...channel.subscribers]) each.onItems(frame.items)
    }
  }

  function join(name: string, channel: Channel) {
    channels.set(name, channel)
    if (!connection) {
      if (state === 'idle') connect()
    } else if (!connection.socket) followOnStream()
    else if (connection.isOpen) subscribeOn(connection.socket, name, channel)
  }

  function leave(name: string, channel: Channel, subscriber: Subscriber) {
    if (!channel.subscribers.delete(subscriber) || channel.subscribers.size > 0) return
    channels.delete(name)
    if (connection?.socket && connection.isOpen)
      send(connection.socket, { type: 'unsubscribe', channel: name })
    if (channels.size > 0) return
    lingerTimer = stopTimer(lingerTimer)
    lingerTimer = setTimer(() => {
      if (channels.size > 0) return
      close()
    }, lingerMs)
  }

  function close() {
    retryTimer = stopTimer(retryTimer)
    lingerTimer = stopTimer(lingerTimer)
    stopProbe()
    drop()?.close(1000)
    failures = 0
    setState('idle')
  }

  return {
    subscribe<T>(name: string, given: Subscriber<T>) {
      // The channel's name fixes its messages' type; the hub itself does not look inside.
      const subscriber = { ...given } as unknown as Subscriber
      lingerTimer = stopTimer(lingerTimer)
      let channel = channels.get(name)
      if (!channel) {
        channel = { subscribers: new Set([subscriber]), position: subscriber.from ?? null, isReady: false }
        join(name, channel)
      } else {
        channel.subscribers.add(subscriber)
        if (channel.isReady && channel.position !== null) {
          const position = channel.position
          const recovered = subscriber.from === undefined || subscriber.from === position
          queueMicrotask(() => subscriber.onReady?.({ position, recovered }))
        }
      }
      const joined = channel
      return () => leave(name, joined, subscriber)
    },
    state: () => state,
    onState(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    retry() {
      if (channels.size === 0) return
      if (connection) return tryWebSocket()
      failures = 0
      connect()
    },
    close,
  }
}

const overSocket = (socket: Socket): Connection => ({
  wire: socket,
  socket,
  carries: null,
  isOpen: false,
  isHeard: false,
})

const following = (channel: string, position: string | null): Following =>
  position === null ? { channel } : { channel, from: position }
