import { Redis, type RedisOptions } from 'ioredis'
import type { Log } from './log.ts'
import { scripts } from './redis-scripts.ts'

/** Thrown by `RedisLink.run` while the server cannot be used. Callers catch it and go on without Redis. */
export class RedisDown extends Error {
  override name = 'RedisDown'
}

/**
 * Two connections to one Redis, for commands and for subscriptions. Nothing waits for a server that is away: commands
 * fail at once, and the link comes back by itself.
 */
export type RedisLink = {
  /** Whether commands can be sent. */
  readonly available: boolean
  /** Whether both connections stand, so that no message is missed. */
  readonly isUp: boolean
  /** Names the server's current run. Another value after a restart or a failover: what was written may be lost. */
  readonly runId: string
  /** Starts every key and channel. */
  readonly prefix: string
  /** @throws {RedisDown} at once while the server is away, or after about a second when the server does not answer. */
  run<T>(work: (redis: Redis) => Promise<T>): Promise<T>
  /**
   * One listener a channel; calls take effect in their order. Without a connection the wish is kept, and the
   * subscription stands before `onUp` fires.
   */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  unsubscribe(channel: string): Promise<void>
  /** Fires when both connections stand, the first time included: messages may have been missed until now. */
  onUp(listener: () => void): void
  /** Fires when either is lost: messages may be missed from now on. */
  onDown(listener: () => void): void
  /** Resolves with true once both stand, or with false after `timeout_ms`. */
  ready(timeout_ms: number): Promise<boolean>
  /** Milliseconds of one round trip, as measured now. */
  latency(): Promise<number>
  stop(): Promise<void>
}

const commandTimeout = 1000
const heartbeatInterval = 5000
const retryInterval = 250
const channelBatch = 500

const options: RedisOptions = {
  connectTimeout: 2000,
  commandTimeout,
  // Commands fail at once instead of queueing for a server that is away, and are never sent twice.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // The link subscribes again itself, since it must know when that is done.
  autoResubscribe: false,
  retryStrategy: times => Math.min(50 * 2 ** Math.min(times, 6), 2000) * (0.75 + Math.random() / 2),
  reconnectOnError: error => error.message.startsWith('READONLY'),
}

/** Connects in the background; see `RedisLink`. `prefix` keeps two installations on one server apart. */
export function connectRedis(url: string, parentLog: Log, prefix = 'banyan'): RedisLink {
  const log = parentLog.child('redis')
  const commands = new Redis(url, options)
  const subscriber = new Redis(url, options)
  const listeners = new Map<string, (message: string) => void>()
  const upListeners: (() => void)[] = []
  const downListeners: (() => void)[] = []
  /** Which of the two can be used: commands once the server has answered, the other once all channels stand. */
  const works = { commands: false, subscriber: false }
  /** Counts lost connections: one that was lost while it was being prepared is not ready. */
  const losses = { commands: 0, subscriber: 0 }
  let announced = false
  /** One warning an outage: the attempts that follow tell nothing new. */
  let hasWarned = false
  let stopped = false
  let establishing = false
  let runId = ''
  let retryTimer: NodeJS.Timeout | undefined

  function lose(which: keyof typeof works, error: unknown) {
    losses[which] += 1
    works[which] = false
    if (stopped) return
    retry()
    if (!announced) return
    announced = false
    log.warn({ error }, 'redis is away; going on without it')
    for (const listener of downListeners) listener()
  }

  function retry() {
    clearTimeout(retryTimer)
    retryTimer = setTimeout(establish, retryInterval)
    retryTimer.unref()
  }

  async function establish() {
    if (establishing || stopped) return
    establishing = true
    try {
      await prepare('commands', commands, async () => {
        runId = /run_id:(\w+)/.exec(await commands.info('server'))?.[1]?.slice(0, 12) ?? 'unknown'
        for (const source of scripts) await commands.script('LOAD', source)
      })
      await prepare('subscriber', subscriber, subscribeAll)
    } finally {
      establishing = false
    }
    if (stopped || announced) return
    if (!works.commands || !works.subscriber) return retry()
    announced = true
    hasWarned = false
    log.info({}, 'redis is up')
    for (const listener of upListeners) listener()
  }

  async function prepare(which: keyof typeof works, connection: Redis, work: () => Promise<void>) {
    if (works[which] || connection.status !== 'ready') return
    const lossesBefore = losses[which]
    try {
      await work()
      works[which] = losses[which] === lossesBefore
    } catch (error) {
      log.debug({ error }, 'redis does not answer yet')
      reconnect(connection)
    }
  }

  async function subscribeAll() {
    const done = new Set<string>()
    for (;;) {
      const batch = [...listeners.keys()].filter(channel => !done.has(channel)).slice(0, channelBatch)
      if (batch.length === 0) return
      await subscriber.subscribe(...batch)
      for (const channel of batch) done.add(channel)
    }
  }

  /** A fresh connection: one that accepts data but never answers looks healthy to TCP for minutes. */
  function reconnect(connection: Redis) {
    if (!stopped && connection.status === 'ready') connection.disconnect(true)
  }

  for (const [which, connection] of [
    ['commands', commands],
    ['subscriber', subscriber],
  ] as const) {
    connection.on('ready', establish)
    connection.on('close', () => lose(which, new RedisDown('the connection was closed')))
    connection.on('error', error => {
      if (hasWarned) log.debug({ error }, 'redis connection failed')
      else log.warn({ error }, 'redis connection failed; trying again')
      hasWarned = true
    })
  }
  subscriber.on('message', (channel, message) => listeners.get(channel)?.(message))
  const heartbeat = setInterval(() => {
    for (const [which, connection] of [
      ['commands', commands],
      ['subscriber', subscriber],
    ] as const) {
      if (!works[which]) continue
      connection.ping().catch(error => {
        lose(which, error)
        reconnect(connection)
      })
    }
  }, heartbeatInterval)
  heartbeat.unref()
  const loseSubscriber = (error: unknown) => {
    lose('subscriber', error)
    reconnect(subscriber)
  }

  return {
    get available() {
      return works.commands
    },
    get isUp() {
      return announced
    },
    get runId() {
      return runId
    },
    prefix,
    async run(work) {
      if (!works.commands) throw new RedisDown('redis is away')
      try {
        return await work(commands)
      } catch (error) {
        // An answer of the server, even a bad one, shows that it is there.
        if (error instanceof Error && error.name === 'ReplyError') throw error
        lose('commands', error)
        throw new RedisDown('redis does not answer', { cause: error })
      }
    },
    async subscribe(channel, listener) {
      listeners.set(channel, listener)
      if (works.subscriber) await subscriber.subscribe(channel).catch(loseSubscriber)
    },
    async unsubscribe(channel) {
      listeners.delete(channel)
      if (works.subscriber) await subscriber.unsubscribe(channel).catch(loseSubscriber)
    },
    onUp: listener => void upListeners.push(listener),
    onDown: listener => void downListeners.push(listener),
    ready(timeout_ms) {
      if (announced) return Promise.resolve(true)
      return new Promise(resolve => {
        const timer = setTimeout(resolve, timeout_ms, false)
        upListeners.push(() => {
          clearTimeout(timer)
          resolve(true)
        })
      })
    },
    async latency() {
      const start = performance.now()
      await this.run(redis => redis.ping())
      return performance.now() - start
    },
    async stop() {
      stopped = true
      works.commands = false
      works.subscriber = false
      announced = false
      clearInterval(heartbeat)
      clearTimeout(retryTimer)
      commands.disconnect()
      subscriber.disconnect()
    },
  }
}
