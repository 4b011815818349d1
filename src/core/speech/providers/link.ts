import type { Log } from '#core/log.ts'
import { type Failures, SpeechFailure } from './failures.ts'
import type { Limits } from './limits.ts'
import { type Address, type Frame, openSocket, type Socket } from './socket.ts'
import { createWatch } from './watch.ts'

export type { Address }

/** How one connection to a service is spoken on. */
export type Wire<Event> = {
  address: Address
  /** What the service's support asks for. */
  trace: string
  /** Sent as soon as the connection stands. */
  opening: readonly Frame[]
  /** Ready as soon as it stands; else `read` says when. */
  isReadyAtOnce?: boolean
  /** What a message means. Throws what it likes on something that no such service would send. */
  read(data: Buffer, isBinary: boolean): Event | 'ready' | SpeechFailure | null
}

export type Service<Options, W> = {
  name: string
  failures: Failures
  limits: Limits
  log: Log
  /** @throws SpeechFailure when there is not even something to connect to. */
  wire(options: Options): Promise<W>
  /**
   * Learns from a failure of this connection. True: another one may succeed, so one that was not ready yet is tried
   * once more, as it also is when the network broke.
   */
  adapt?(failure: SpeechFailure, wire: W): boolean
}

export type Link<W> = {
  /** Null until there is one. */
  readonly wire: W | null
  readonly isReady: boolean
  readonly backlog: number
  send(frames: readonly Frame[]): void
  pause(): void
  resume(): void
  /** Closes at once; nothing is reported afterwards. */
  destroy(): void
  /** Takes leave as the protocol wants it; nothing is reported afterwards. */
  close(farewell?: readonly Frame[]): void
}

type Listener<Event> = {
  ready(): void
  event(event: Event): void
  drained(): void
  over(failure: SpeechFailure): void
}

/**
 * Connects, tries again once where that may help, and reads. Until the service is ready, the connection has
 * `connect_ms` in all; from then on, time is the caller's to watch.
 */
export function openLink<Event, Options, W extends Wire<Event>>(
  service: Service<Options, W>,
  options: Options,
  on: Listener<Event>,
): Link<W> {
  const { failures, limits } = service
  let wire: W | null = null
  let socket: Socket | null = null
  let isReady = false
  let hasRetried = false
  let isOver = false
  const watch = createWatch(what => fail(failures.of('timeout', what)))

  const leave = () => {
    isOver = true
    watch.stop()
  }
  const fail = (failure: SpeechFailure) => {
    if (isOver) return
    socket?.destroy()
    const isWorthIt = (wire && service.adapt?.(failure, wire)) || failure.kind === 'network'
    if (!isReady && !hasRetried && isWorthIt) {
      hasRetried = true
      connect()
      return
    }
    leave()
    service.log.info({ trace: wire?.trace, kind: failure.kind, reason: failure.message }, 'connection failed')
    on.over(failure)
  }
  const ready = () => {
    if (isReady) return
    isReady = true
    watch.stop()
    on.ready()
  }
  const connect = () => {
    service.wire(options).then(
      next => {
        if (isOver) return
        wire = next
        socket = openWire<Event>(next, service, { ready, event: on.event, drained: on.drained, over: fail })
      },
      error => fail(failures.from(error)),
    )
  }
  watch.within(limits.connect_ms, 'not ready in time')
  connect()
  return {
    ...speakOn(() => socket, leave),
    get wire() {
      return wire
    },
    get isReady() {
      return isReady && !isOver
    },
    get backlog() {
      return socket?.backlog ?? 0
    },
  }
}

/** What is done with a link goes to the socket of now. */
const speakOn = (socket: () => Socket | null, leave: () => void) => ({
  send(frames: readonly Frame[]) {
    for (const frame of frames) socket()?.send(frame)
  },
  pause: () => socket()?.pause(),
  resume: () => socket()?.resume(),
  destroy() {
    leave()
    socket()?.destroy()
  },
  close(farewell: readonly Frame[] = []) {
    leave()
    socket()?.close(farewell)
  },
})

/** Opens a socket that says the wire's opening and tells what its messages mean. */
function openWire<Event>(
  wire: Wire<Event>,
  { failures, limits }: Pick<Service<never, never>, 'failures' | 'limits'>,
  on: Listener<Event>,
): Socket {
  const meaningOf = (data: Buffer, isBinary: boolean) => {
    try {
      return wire.read(data, isBinary)
    } catch (error) {
      return failures.of('malformed', String(error))
    }
  }
  const socket = openSocket(wire.address, {
    failures,
    limits,
    onOpen() {
      for (const frame of wire.opening) socket.send(frame)
      if (wire.isReadyAtOnce) on.ready()
    },
    onMessage(data, isBinary) {
      const read = meaningOf(data, isBinary)
      if (read instanceof SpeechFailure) return on.over(read)
      if (read === null) return
      on.ready()
      if (read !== 'ready') on.event(read)
    },
    onEnd: failure => on.over(failure ?? failures.of('network', 'closed too early')),
    onDrain: on.drained,
  })
  return socket
}
