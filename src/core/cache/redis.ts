import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { newToken } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { RedisLink } from '#core/redis.ts'
import { luaScript } from '#core/redis-scripts.ts'

/** The right to load a key, alone in the cluster. It lapses with the process that holds it. */
export type Lease = {
  /** Stores the value for `ttl_ms`, unless the lease was lost or the key deleted meanwhile; gives the lease back. */
  store(json: string, ttl_ms: number): Promise<void>
  release(): Promise<void>
}

/** A valid entry, or the task to load one. Without a lease the result must not be shared. */
export type Claim = { kind: 'hit'; json: string; ttl_ms: number } | { kind: 'load'; lease: Lease | null }

export type Invalidation = { tags: readonly string[]; keys: readonly string[] }

/** The tier that processes share. None of its functions throws: without Redis they do less. */
export type SharedTier = {
  readonly available: boolean
  claim(key: string, tags: readonly string[], signal: AbortSignal): Promise<Claim>
  invalidate(invalidation: Invalidation): Promise<void>
}

const leaseTime = 10_000
/** Longer than any entry lives. A version that expires earlier only costs a miss. */
const versionTime = 48 * 3_600_000
const longestWait = 30_000
const largestEntry = 4 * 1024 * 1024
/** Beyond this many invalidations in one outage, everything is dropped instead. */
const mostPending = 20_000

/*
 * Keys carry the run id of the server, so that a server that came back with an old snapshot, or a replica that took
 * over, starts empty: an invalidation that it has forgotten cannot bring old values back to life.
 *
 * An entry is `<versions of its tags>\n<json>`. Its versions were read before its loader ran; it is valid while they
 * are still the current ones. Invalidating deletes the version; the next loader makes a new random one.
 */
const claimScript = luaScript(`
local versions = {}
for i = 3, #KEYS do versions[i - 2] = redis.call('GET', KEYS[i]) or '' end
local entry = redis.call('GET', KEYS[1])
if entry then
  local cut = string.find(entry, '\\n', 1, true)
  if string.sub(entry, 1, cut - 1) == table.concat(versions, ' ') then
    return { 'hit', string.sub(entry, cut + 1), redis.call('PTTL', KEYS[1]) }
  end
end
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return { 'wait' } end
for i = 3, #KEYS do
  if versions[i - 2] == '' then
    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[3])
    versions[i - 2] = ARGV[1]
  else
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  end
end
return { 'load', table.concat(versions, ' ') }`)

const storeScript = luaScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. '\\n' .. ARGV[3], 'PX', ARGV[4])
redis.call('DEL', KEYS[2])
return 1`)

const releaseScript = luaScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`)

const renewScript = luaScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

const Message = z.union([
  z.object({ tags: z.array(z.string()), keys: z.array(z.string()) }),
  z.object({ all: z.literal(true) }),
])

export type SharedTierOptions = {
  redis: RedisLink
  log: Log
  /** Another process (or this one) dropped these. */
  onInvalidation: (invalidation: Invalidation) => void
  /** Invalidations may have been missed: whatever is held in memory cannot be trusted. */
  onDoubt: () => void
}

export function createSharedTier({ redis, log, onInvalidation, onDoubt }: SharedTierOptions): SharedTier {
  const channel = `${redis.prefix}:cache`
  const pending = { tags: new Set<string>(), keys: new Set<string>() }
  /** True between the return of the link and its loss, once what was invalidated meanwhile has been told. */
  let ready = false
  let generation = 0

  const keyOf = (kind: 'entry' | 'lock' | 'tag', key: string) =>
    `${redis.prefix}:cache:${redis.runId}:${kind}:${key}`

  async function tell({ tags, keys }: Invalidation) {
    for (let i = 0; i < Math.max(tags.length, keys.length); i += 500) {
      const part = { tags: tags.slice(i, i + 500), keys: keys.slice(i, i + 500) }
      const gone = [
        ...part.tags.map(tag => keyOf('tag', tag)),
        // Without its lock, a loader that is still running can no longer store.
        ...part.keys.flatMap(key => [keyOf('entry', key), keyOf('lock', key)]),
      ]
      await redis.run(async connection => {
        await connection.unlink(...gone)
        await connection.publish(channel, JSON.stringify(part))
      })
    }
  }

  async function dropEverything() {
    await redis.run(async connection => {
      let cursor = '0'
      do {
        const [next, keys] = await connection.scan(cursor, 'MATCH', `${redis.prefix}:cache:*`, 'COUNT', 1000)
        if (keys.length > 0) await connection.unlink(...keys)
        cursor = next
      } while (cursor !== '0')
      await connection.publish(channel, JSON.stringify({ all: true }))
    })
  }

  async function comeBack() {
    const current = ++generation
    const tags = [...pending.tags]
    const keys = [...pending.keys]
    try {
      if (tags.length + keys.length > mostPending) await dropEverything()
      else await tell({ tags, keys })
    } catch (error) {
      log.debug({ error }, 'cache could not tell what was invalidated meanwhile')
      // The link is down again, or the server refused; in the latter case nothing else would call us.
      if (redis.isUp) setTimeout(() => redis.isUp && !ready && void comeBack(), 1000).unref()
      return
    }
    if (current !== generation || !redis.isUp) return
    for (const tag of tags) pending.tags.delete(tag)
    for (const key of keys) pending.keys.delete(key)
    if (pending.tags.size + pending.keys.size > 0) return comeBack()
    onDoubt()
    ready = true
  }

  redis.onUp(() => void comeBack())
  redis.onDown(() => {
    generation += 1
    ready = false
    onDoubt()
  })
  const subscribed = redis.subscribe(channel, text => {
    const message = Message.safeParse(parse(text))
    if (!message.success) return
    if ('all' in message.data) onDoubt()
    else onInvalidation(message.data)
  })
  // A link that was up before us will not say so again.
  void subscribed.then(() => {
    if (redis.isUp && !ready) return comeBack()
  })

  return {
    get available() {
      return ready
    },
    async claim(key, tags, signal) {
      const token = newToken(9)
      const keys = [keyOf('entry', key), keyOf('lock', key), ...tags.map(tag => keyOf('tag', tag))]
      const giveUpAt = performance.now() + longestWait
      try {
        for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
          if (!ready) return { kind: 'load', lease: null }
          const reply = await redis.run(connection =>
            claimScript(connection, keys, [token, leaseTime, versionTime]),
          )
          const [kind, text, ttl] = reply as ['hit' | 'load' | 'wait', string, number]
          if (kind === 'hit') return { kind, json: text, ttl_ms: ttl }
          if (kind === 'load') return { kind, lease: holdLease(redis, keys, token, text) }
          if (performance.now() > giveUpAt) return { kind: 'load', lease: null }
          await delay(pause, undefined, { signal, ref: false })
        }
      } catch (error) {
        signal.throwIfAborted()
        log.debug({ error }, 'cache goes on without redis')
        return { kind: 'load', lease: null }
      }
    },
    async invalidate(invalidation) {
      try {
        if (ready) return await tell(invalidation)
      } catch (error) {
        log.debug({ error }, 'cache will tell redis later')
      }
      for (const tag of invalidation.tags) pending.tags.add(tag)
      for (const key of invalidation.keys) pending.keys.add(key)
      ready = false
      // It is there, or came back just now: do not wait for its next return.
      if (redis.isUp) void comeBack()
    },
  }
}

function holdLease(redis: RedisLink, keys: readonly string[], token: string, versions: string): Lease {
  const [entry = '', lock = ''] = keys
  const renewal = setInterval(() => {
    redis
      .run(connection => renewScript(connection, [lock], [token, leaseTime]))
      .catch(() => clearInterval(renewal))
  }, leaseTime / 3)
  renewal.unref()
  const release = async () => {
    clearInterval(renewal)
    await redis.run(connection => releaseScript(connection, [lock], [token])).catch(() => undefined)
  }
  return {
    release,
    async store(json, ttl_ms) {
      if (json.length > largestEntry) return release()
      clearInterval(renewal)
      await redis
        .run(connection => storeScript(connection, [entry, lock], [token, versions, json, ttl_ms]))
        .catch(() => undefined)
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
