import type { Log } from '#core/log.ts'
import { type Backend, formatPosition, type Position, parsePosition, type Snapshot } from './backend.ts'
import { type Batch, createBatch } from './batch.ts'

/** What a subscriber of a channel is told, in order: `ready`, then batches without gap or duplicate. */
export type Sink = {
  /**
   * What follows comes after `position`. `recovered: false` means that messages may be missing before it; that can
   * also happen later on, and then this is called again.
   */
  ready(position: string, recovered: boolean): void
  batch(batch: Batch): void
}

type Member = {
  sink: Sink
  /** Messages up to here are not for this member. */
  after: Position
  /** While the member's replay is being read, live batches wait here. */
  held: Batch[] | null
  wasReset: boolean
}

type Live = { position: Position; json: string }

type Feed = Position & {
  channel: string
  members: Set<Member>
  opening: Promise<void>
  /** While the feed reads from the backend, live messages wait here. */
  pending: Live[] | null
  mustReadAgain: boolean
  /** Not yet sent, the last of them at `offset`. */
  waiting: string[]
  flushedAt: number
}

export type Feeds = {
  /** Subscribes; `ready` has been called when it resolves. Returns the way out. */
  attach(channel: string, from: string | undefined, sink: Sink): Promise<() => void>
  stop(): void
}

export type FeedsOptions = { backend: Backend; log: Log; onTold: (json: string) => void }

/** Messages of a busy channel are gathered this long. */
const tickTime = 15
const readBatch = 200

/** One feed per channel with subscribers here: puts the backend's messages in order and hands them on. */
export function createFeeds({ backend, log, onTold }: FeedsOptions): Feeds {
  const feeds = new Map<string, Feed>()
  const dirty = new Set<Feed>()
  let tick: NodeJS.Timeout | undefined

  function open(channel: string): Feed {
    const known = feeds.get(channel)
    if (known) return known
    const feed: Feed = {
      channel,
      epoch: '',
      offset: 0,
      members: new Set(),
      opening: Promise.resolve(),
      pending: [],
      mustReadAgain: false,
      waiting: [],
      flushedAt: 0,
    }
    feeds.set(channel, feed)
    feed.opening = (async () => {
      await backend.watch(channel)
      const { epoch, offset } = await backend.read(channel, null)
      feed.epoch = epoch
      feed.offset = offset
      settle(feed)
      if (feed.mustReadAgain) await catchUp(feed)
    })()
    return feed
  }

  function closeIfEmpty(feed: Feed) {
    if (feed.members.size > 0 || feeds.get(feed.channel) !== feed) return
    feeds.delete(feed.channel)
    dirty.delete(feed)
    void backend.unwatch(feed.channel)
  }

  function receive(feed: Feed, live: Live) {
    if (feed.pending) {
      feed.pending.push(live)
      return
    }
    if (!take(feed, live)) void catchUp(feed)
  }

  /** False when something is missing before this message. */
  function take(feed: Feed, { position, json }: Live): boolean {
    if (position.epoch !== feed.epoch || position.offset > feed.offset + 1) return false
    if (position.offset === feed.offset + 1) push(feed, json)
    return true
  }

  /** Works off what waited. What does not fit is in the backend's ring: it is read from there. */
  function settle(feed: Feed) {
    const pending = feed.pending ?? []
    feed.pending = null
    for (const live of pending) if (!take(feed, live)) feed.mustReadAgain = true
  }

  async function catchUp(feed: Feed): Promise<void> {
    feed.mustReadAgain = true
    if (feed.pending) return
    try {
      while (feed.mustReadAgain && feeds.get(feed.channel) === feed) {
        feed.mustReadAgain = false
        feed.pending = []
        const snapshot = await backend.read(feed.channel, { epoch: feed.epoch, offset: feed.offset })
        if (snapshot.recovered) for (const json of snapshot.items) push(feed, json)
        else reset(feed, snapshot)
        settle(feed)
      }
    } catch (error) {
      feed.pending = null
      log.error({ error }, 'a channel could not catch up')
    }
  }

  async function catchUpAll() {
    const all = [...feeds.values()]
    for (let i = 0; i < all.length; i += readBatch)
      await Promise.all(all.slice(i, i + readBatch).map(catchUp))
  }

  function reset(feed: Feed, { epoch, offset }: Snapshot) {
    flush(feed)
    feed.epoch = epoch
    feed.offset = offset
    for (const member of feed.members) {
      member.after = { epoch, offset }
      if (member.held) {
        member.held = []
        member.wasReset = true
      } else safely(() => member.sink.ready(formatPosition(feed), false))
    }
  }

  function push(feed: Feed, json: string) {
    feed.offset += 1
    feed.waiting.push(json)
    if (dirty.has(feed)) return
    if (performance.now() - feed.flushedAt >= tickTime) {
      flush(feed)
      return
    }
    dirty.add(feed)
    tick ??= setTimeout(() => {
      tick = undefined
      for (const each of [...dirty]) flush(each)
    }, tickTime)
  }

  function flush(feed: Feed) {
    dirty.delete(feed)
    if (feed.waiting.length === 0) return
    feed.flushedAt = performance.now()
    const first = { epoch: feed.epoch, offset: feed.offset - feed.waiting.length + 1 }
    const batch = createBatch(feed.channel, first, feed.waiting)
    feed.waiting = []
    for (const member of feed.members) {
      if (member.held) member.held.push(batch)
      else deliver(feed, member, batch)
    }
  }

  function deliver(feed: Feed, member: Member, batch: Batch) {
    const { after } = member
    const known = after.epoch === batch.epoch ? after.offset - batch.first + 1 : 0
    if (known >= batch.items.length) return
    const rest =
      known <= 0
        ? batch
        : createBatch(
            feed.channel,
            { epoch: batch.epoch, offset: batch.first + known },
            batch.items.slice(known),
          )
    safely(() => member.sink.batch(rest))
  }

  function safely(call: () => void) {
    try {
      call()
    } catch (error) {
      log.error({ error }, 'a subscriber failed')
    }
  }

  async function replay(feed: Feed, member: Member, from: string) {
    member.held = []
    const asked = parsePosition(from)
    const snapshot = await backend.read(feed.channel, asked)
    const held = member.held
    member.held = null
    if (!feed.members.has(member)) return
    if (member.wasReset) {
      safely(() => member.sink.ready(formatPosition(member.after), false))
    } else {
      member.after = { epoch: snapshot.epoch, offset: snapshot.offset }
      const recovered = asked !== null && snapshot.recovered
      safely(() => member.sink.ready(recovered ? from : formatPosition(snapshot), recovered))
      if (recovered && snapshot.items.length > 0) {
        const first = { epoch: snapshot.epoch, offset: snapshot.offset - snapshot.items.length + 1 }
        safely(() => member.sink.batch(createBatch(feed.channel, first, snapshot.items)))
      }
    }
    for (const batch of held) deliver(feed, member, batch)
  }

  backend.listen({
    onMessage(channel, position, json) {
      const feed = feeds.get(channel)
      if (feed) receive(feed, { position, json })
    },
    onDoubt: () => void catchUpAll(),
    onTold,
  })

  return {
    async attach(channel, from, sink) {
      const feed = open(channel)
      const member: Member = { sink, after: { epoch: '', offset: 0 }, held: [], wasReset: false }
      feed.members.add(member)
      const leave = () => {
        if (feed.members.delete(member)) closeIfEmpty(feed)
      }
      try {
        await feed.opening
        flush(feed)
        const here = formatPosition(feed)
        if (from === undefined || from === here) {
          member.held = null
          member.after = { epoch: feed.epoch, offset: feed.offset }
          safely(() => sink.ready(here, true))
        } else await replay(feed, member, from)
      } catch (error) {
        leave()
        throw error
      }
      return leave
    },
    stop() {
      clearTimeout(tick)
      feeds.clear()
      dirty.clear()
    },
  }
}
