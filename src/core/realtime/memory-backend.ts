import type { Clock } from '#core/clock.ts'
import { newToken } from '#core/ids.ts'
import { type Backend, type BackendListener, ring } from './backend.ts'

type Channel = {
  epoch: string
  offset: number
  items: string[]
  bytes: number
  watchers: number
  touched: number
}

/** Beyond this, the channels longest without a message lose what they kept. */
const mostBytes = 64 * 1024 * 1024
const sweepInterval = 60_000

/** For a single process. A channel that nobody watches is forgotten some time after its last message. */
export function createMemoryBackend({ clock }: { clock: Clock }): Backend {
  /** Longest without a message first. */
  const channels = new Map<string, Channel>()
  let totalBytes = 0
  let sweptAt = clock.now()
  let listener: BackendListener | undefined

  function open(name: string): Channel {
    const known = channels.get(name)
    if (known) return known
    const channel = { epoch: newToken(6), offset: 0, items: [], bytes: 0, watchers: 0, touched: clock.now() }
    channels.set(name, channel)
    return channel
  }

  function trim(channel: Channel, messages: number, bytes: number) {
    let count = 0
    let freed = 0
    while (channel.items.length - count > messages || channel.bytes - freed > bytes) {
      freed += channel.items[count]?.length ?? 0
      count += 1
    }
    if (count === 0) return
    channel.items.splice(0, count)
    channel.bytes -= freed
    totalBytes -= freed
  }

  function forget() {
    const now = clock.now()
    const isSweep = now - sweptAt >= sweepInterval
    if (!isSweep && totalBytes <= mostBytes) return
    if (isSweep) sweptAt = now
    for (const [name, channel] of channels) {
      const isIdle = now - channel.touched >= ring.idle_ms
      if (!isIdle && totalBytes <= mostBytes) return
      trim(channel, 0, 0)
      if (isIdle && channel.watchers === 0) channels.delete(name)
    }
  }

  return {
    async publish(name, json) {
      const channel = open(name)
      channel.offset += 1
      channel.items.push(json)
      channel.bytes += json.length
      totalBytes += json.length
      channel.touched = clock.now()
      channels.delete(name)
      channels.set(name, channel)
      // Trimming in lumps: removing one item from the front of an array moves all others.
      if (channel.items.length > ring.messages * 1.25 || channel.bytes > ring.bytes * 1.25) {
        trim(channel, ring.messages, ring.bytes)
      }
      forget()
      listener?.onMessage(name, { epoch: channel.epoch, offset: channel.offset }, json)
    },
    async watch(name) {
      open(name).watchers += 1
    },
    async unwatch(name) {
      const channel = channels.get(name)
      if (!channel) return
      channel.watchers -= 1
      forget()
    },
    async read(name, after) {
      const { epoch, offset, items } = open(name)
      if (!after) return { epoch, offset, recovered: true, items: [] }
      const missing = offset - after.offset
      if (after.epoch !== epoch || missing < 0 || missing > items.length) {
        return { epoch, offset, recovered: false, items: [] }
      }
      return { epoch, offset, recovered: true, items: missing === 0 ? [] : items.slice(-missing) }
    },
    async tell(json) {
      listener?.onTold(json)
    },
    listen(given) {
      listener = given
    },
  }
}
