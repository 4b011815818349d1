import type { Clock } from '#core/clock.ts'
import { newToken } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { RedisLink } from '#core/redis.ts'
import { luaScript } from '#core/redis-scripts.ts'
import { type Backend, type BackendListener, parsePosition, ring } from './backend.ts'
import { createMemoryBackend } from './memory-backend.ts'

/** How long a silent channel keeps its epoch, so that those who have missed nothing can still resume. */
const epochTime = 24 * 3_600_000

const publishScript = luaScript(`
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'offset', 0)
  redis.call('DEL', KEYS[2])
end
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
local length = redis.call('RPUSH', KEYS[2], ARGV[1])
local bytes = #ARGV[1]
if length > 1 then bytes = redis.call('HINCRBY', KEYS[1], 'bytes', bytes) end
while length > 0 and (length > tonumber(ARGV[3]) or bytes > tonumber(ARGV[4])) do
  bytes = bytes - #redis.call('LPOP', KEYS[2])
  length = length - 1
end
redis.call('HSET', KEYS[1], 'bytes', bytes)
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('PUBLISH', ARGV[7], epoch .. ':' .. offset .. ' ' .. ARGV[1])
return offset`)

const readScript = luaScript(`
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'offset', 0)
  redis.call('DEL', KEYS[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local offset = tonumber(redis.call('HGET', KEYS[1], 'offset'))
if ARGV[3] == '' then return { epoch, offset, 1, {} } end
local missing = offset - tonumber(ARGV[4])
if ARGV[3] ~= epoch or missing < 0 or missing > redis.call('LLEN', KEYS[2]) then return { epoch, offset, 0, {} } end
if missing == 0 then return { epoch, offset, 1, {} } end
return { epoch, offset, 1, redis.call('LRANGE', KEYS[2], -missing, -1) }`)

const renewScript = luaScript(`
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'offset', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[1] .. ':0 ')
return 1`)

/** Channels that are remembered to have had messages which only this process saw. */
const mostAlone = 100_000

/**
 * For many processes on one Redis. A script numbers each message, keeps it and publishes it, so that all processes
 * see one order. Keys carry the run id of the server: after a restart, even one from an old snapshot, channels begin
 * new epochs. While Redis is away each process goes on alone, in epochs of its own. Channels that were used so begin
 * new epochs when it is back, since the other processes missed those messages: their hubs see a strange epoch, look
 * it up, and tell subscribers.
 */
export function createRedisBackend({
  redis,
  clock,
  log,
}: {
  redis: RedisLink
  clock: Clock
  log: Log
}): Backend {
  const alone = createMemoryBackend({ clock })
  const publishedAlone = new Set<string>()
  let listener: BackendListener | undefined
  const topic = (channel: string) => `${redis.prefix}:realtime:channel:${channel}`
  const told = `${redis.prefix}:realtime:told`
  const keys = (channel: string) => [
    `${redis.prefix}:realtime:${redis.runId}:${channel}:state`,
    `${redis.prefix}:realtime:${redis.runId}:${channel}:ring`,
  ]

  async function orAlone<T>(withRedis: () => Promise<T>, without: () => Promise<T>): Promise<T> {
    if (!redis.available) return without()
    try {
      return await withRedis()
    } catch (error) {
      log.debug({ error }, 'realtime goes on without redis')
      return without()
    }
  }

  async function comeBack() {
    try {
      for (const channel of publishedAlone) {
        await redis.run(connection =>
          renewScript(connection, keys(channel), [newToken(6), epochTime, topic(channel)]),
        )
        publishedAlone.delete(channel)
      }
    } catch (error) {
      log.debug({ error }, 'realtime could not renew the channels used meanwhile')
    }
    listener?.onDoubt()
  }

  redis.onUp(() => void comeBack())

  return {
    publish: (channel, json) =>
      orAlone(
        async () => {
          await redis.run(connection =>
            publishScript(connection, keys(channel), [
              json,
              newToken(6),
              ring.messages,
              ring.bytes,
              ring.idle_ms,
              epochTime,
              topic(channel),
            ]),
          )
        },
        () => {
          if (publishedAlone.size < mostAlone) publishedAlone.add(channel)
          // A single command failed on a line that stands: no `onUp` will follow.
          if (redis.available) void comeBack()
          return alone.publish(channel, json)
        },
      ),
    async watch(channel) {
      await Promise.all([
        redis.subscribe(topic(channel), message => {
          const cut = message.indexOf(' ')
          const position = parsePosition(message.slice(0, cut))
          if (position) listener?.onMessage(channel, position, message.slice(cut + 1))
        }),
        alone.watch(channel),
      ])
    },
    async unwatch(channel) {
      await Promise.all([redis.unsubscribe(topic(channel)), alone.unwatch(channel)])
    },
    read: (channel, after) =>
      orAlone(
        async () => {
          const [epoch, offset, recovered, items] = (await redis.run(connection =>
            readScript(connection, keys(channel), [
              newToken(6),
              epochTime,
              after?.epoch ?? '',
              after?.offset ?? '',
            ]),
          )) as [string, number, 0 | 1, string[]]
          return { epoch, offset, recovered: recovered === 1, items }
        },
        () => alone.read(channel, after),
      ),
    tell: json =>
      orAlone(
        async () => void (await redis.run(connection => connection.publish(told, json))),
        () => alone.tell(json),
      ),
    listen(given) {
      listener = given
      alone.listen(given)
      void redis.subscribe(told, given.onTold)
    },
  }
}
