/**
 * The tab's one live connection, shared by all views. It opens with the first subscription, closes some time
 * after the last, comes back with growing, jittered delays, and resumes each channel at the last message seen.
 *
 * Has no DOM in it: sockets, timers and chance are passed in, so that tests need no browser.
 */

export type RealtimeItem<T = unknown> = { /** `epoch:offset` */ id: string; data: T }

/** `idle`: nobody listens. `down`: several attempts failed; views may poll until it is `open` again. */
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

/** The part of a browser's WebSocket that is used. */
export type Socket = {
  send(text: string): void
  close(code?: number, reason?: string): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number }) => void) | null
  onerror: ((event: never) => void) | null
}

export type RealtimeOptions = {
  open: () => Socket
  /** 0 ≤ x < 1 */
  random?: () => number
  setTimer?: (run: () => void, ms: number) => unknown
  clearTimer?: (timer: unknown) => void
}

type Channel = { subscribers: Set<Subscriber>; position: string | null; isReady: boolean }

const firstDelay = 500
const longestDelay = 30_000
/** Failed attempts in a row after which views should not wait for it any more. */
const attemptsUntilDown = 4
const pingEvery = 25_000
const pongWithin = 10_000
/** A view that is left and entered again should not cost a new connection. */
const lingerMs = 5_000

const closedSignedOut = 4001

export function createRealtime(options: RealtimeOptions): Realtime {
  const random = options.random ?? Math.random
  const setTimer = options.setTimer ?? ((run, ms) => setTimeout(run, ms))
  const clearTimer = options.clearTimer ?? (timer => clearTimeout(timer as number))

  const channels = new Map<string, Channel>()
  const listeners = new Set<() => void>()
  let state: RealtimeState = 'idle'
  let socket: Socket | null = null
  let isOpen = false
  let failures = 0
  let retryTimer: unknown = null
  let beatTimer: unknown = null
  let lingerTimer: unknown = null

  const setState = (next: RealtimeState) => {
    if (next === state) return
    state = next
    for (const listener of listeners) listener()
  }
  const stopTimer = (timer: unknown) => {
    if (timer !== null) clearTimer(timer)
    return null
  }
  const send = (message: object) => socket?.send(JSON.stringify(message))

  function connect() {
    retryTimer = stopTimer(retryTimer)
    if (socket || channels.size === 0) return
    setState(failures >= attemptsUntilDown ? 'down' : failures > 0 ? 'reconnecting' : 'connecting')
    let opened: Socket
    try {
      opened = options.open()
    } catch {
      failures += 1
      return retryLater()
    }
    socket = opened
    opened.onopen = () => {
      if (socket !== opened) return
      isOpen = true
      failures = 0
      setState('open')
      for (const [name, channel] of channels) subscribeOnWire(name, channel)
      beat()
    }
    opened.onmessage = event => {
      if (socket !== opened) return
      beat()
      receive(event.data)
    }
    opened.onclose = event => {
      if (socket === opened) lost(event.code)
    }
    opened.onerror = () => {}
  }

  function lost(code: number) {
    drop()
    if (channels.size === 0) return setState('idle')
    if (code === closedSignedOut) return setState('signed_out')
    failures += 1
    retryLater()
  }

  /** Forgets the socket; whatever it still says is not for us. */
  function drop() {
    const old = socket
    socket = null
    isOpen = false
    beatTimer = stopTimer(beatTimer)
    for (const channel of channels.values()) channel.isReady = false
    return old
  }

  function retryLater() {
    setState(failures >= attemptsUntilDown ? 'down' : 'reconnecting')
    const ceiling = Math.min(longestDelay, firstDelay * 2 ** Math.max(0, failures - 1))
    // Half fixed, half chance: quick enough for one person, spread enough for a thousand after a restart.
    retryTimer = setTimer(connect, ceiling / 2 + (random() * ceiling) / 2)
  }

  /** Any traffic proves life; silence is asked once and then taken for death. */
  function beat() {
    beatTimer = stopTimer(beatTimer)
    beatTimer = setTimer(() => {
      send({ type: 'ping' })
      beatTimer = setTimer(() => {
        drop()?.close(4000, 'no answer')
        failures += 1
        retryLater()
      }, pongWithin)
    }, pingEvery)
  }

  function subscribeOnWire(name: string, channel: Channel) {
    send({ type: 'subscribe', channel: name, ...(channel.position ? { from: channel.position } : {}) })
  }

  function receive(text: unknown) {
    const frame = parse(text)
    if (!frame) return
    const channel = frame.channel === undefined ? undefined : channels.get(frame.channel)
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

  function leave(name: string, channel: Channel, subscriber: Subscriber) {
    if (!channel.subscribers.delete(subscriber) || channel.subscribers.size > 0) return
    channels.delete(name)
    if (isOpen) send({ type: 'unsubscribe', channel: name })
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
        channel = { subscribers: new Set(), position: subscriber.from ?? null, isReady: false }
        channels.set(name, channel)
        channel.subscribers.add(subscriber)
        if (isOpen) subscribeOnWire(name, channel)
        else if (state === 'idle') connect()
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
      if (socket || channels.size === 0) return
      failures = 0
      connect()
    },
    close,
  }
}

type Frame =
  | { type: 'subscribed'; channel: string; position: string; recovered: boolean }
  | { type: 'messages'; channel: string; items: RealtimeItem[] }
  | { type: 'error'; channel?: string; code: string; detail: string }

function parse(text: unknown): Frame | null {
  if (typeof text !== 'string') return null
  try {
    const frame: unknown = JSON.parse(text)
    if (typeof frame !== 'object' || frame === null || !('type' in frame)) return null
    return frame.type === 'subscribed' || frame.type === 'messages' || frame.type === 'error'
      ? (frame as Frame)
      : null
  } catch {
    return null
  }
}
