import type { Clock } from '#core/clock.ts'
import type { Log } from '#core/log.ts'
import type { Metrics } from '#core/telemetry/metrics.ts'
import type { Backend } from './backend.ts'
import type { RealtimeMessage } from './batch.ts'
import { type Connections, createConnections, disconnectOrder } from './connections.ts'
import { createFeeds, type Feeds } from './feeds.ts'

export type { RealtimeMessage }

export type Subscription = {
  /** Where it began: messages after this position were or will be delivered. */
  position: string
  /** False when `from` was given and messages since then are lost. */
  recovered: boolean
  close(): void
}

export type Realtime = {
  /**
   * Gives the message its place in the channel, keeps it for those who come back, and sends it to all subscribers on
   * all processes. In the order of the calls, which need not wait for each other. Not transactional: publish after the commit.
   * @throws {Error} for data of more than a megabyte.
   */
  publish(channel: string, data: object): Promise<void>
  /**
   * Calls `onMessage` for each message after `from` (`epoch:offset`), or from now on, in order, without gap or
   * duplicate; those before now come before the promise resolves. `onLost` tells of messages that were lost later on.
   * The data is shared by all subscribers: do not change it.
   */
  subscribe(
    channel: string,
    options: { from?: string | undefined; onLost?: () => void },
    onMessage: (message: RealtimeMessage) => void,
  ): Promise<Subscription>
  /** Ends the user's connections on all processes with 4001; with `session_id`, only those of that session. */
  disconnectUser(user_id: string, session_id?: string): Promise<void>
  /** For the doors (WebSocket, SSE): batches instead of messages. */
  attach: Feeds['attach']
  connections: Connections
  /** Sends everybody away, with the hint to come back. */
  stop(): Promise<void>
}

export type RealtimeOptions = {
  backend: Backend
  log: Log
  clock: Clock
  metrics?: Metrics | undefined
}

const largestMessage = 1024 * 1024

/** The hub: channels with numbered messages, for subscribers inside the process and out. */
export function createRealtime({ backend, log: parentLog, clock, metrics }: RealtimeOptions): Realtime {
  const log = parentLog.child('realtime')
  const connections = createConnections({ clock, metrics })
  const feeds = createFeeds({ backend, log, onTold: connections.obey })
  const published = metrics?.counter({
    name: 'realtime_messages_total',
    help: 'Messages published to channels',
  })

  return {
    async publish(channel, data) {
      const json = JSON.stringify(data)
      if (json.length > largestMessage)
        throw new Error(`A message of ${json.length} characters on ${channel}`)
      published?.inc()
      await backend.publish(channel, json)
    },
    async subscribe(channel, { from, onLost }, onMessage) {
      let start: { position: string; recovered: boolean } | undefined
      const close = await feeds.attach(channel, from, {
        ready(position, recovered) {
          if (start) onLost?.()
          else start = { position, recovered }
        },
        batch(batch) {
          for (const message of batch.messages) onMessage(message)
        },
      })
      return { position: start?.position ?? '', recovered: start?.recovered ?? false, close }
    },
    disconnectUser: (user_id, session_id) => backend.tell(disconnectOrder(user_id, session_id ?? null)),
    attach: feeds.attach,
    connections,
    async stop() {
      connections.stop()
      feeds.stop()
    },
  }
}
