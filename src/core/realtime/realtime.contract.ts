import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newToken } from '#core/ids.ts'
import { ring } from './backend.ts'
import type { Connection } from './connections.ts'
import { actorOf } from './realtime.testing.ts'
import type { Realtime, RealtimeMessage } from './realtime.ts'

const within = 20_000

/** What the hub promises over every backend. `a` and `b` are two processes, or the same where there is only one. */
export function realtimeContract(
  name: string,
  open: () => Promise<{ a: Realtime; b: Realtime; close(): Promise<void> }>,
) {
  describe(name, () => {
    let a: Realtime
    let b: Realtime
    let close: () => Promise<void>
    let channel: string
    beforeAll(async () => {
      ;({ a, b, close } = await open())
    })
    afterAll(() => close())
    beforeEach(() => {
      channel = `contract.${newToken(6)}`
    })

    async function follow(hub: Realtime, from?: string) {
      const messages: RealtimeMessage[] = []
      const subscription = await hub.subscribe(channel, { from }, message => messages.push(message))
      return {
        messages,
        numbers: () => messages.map(({ data }) => (data as { n: number }).n),
        ...subscription,
      }
    }

    async function publish(hub: Realtime, from: number, to: number) {
      await Promise.all(
        Array.from({ length: to - from + 1 }, (_, i) => hub.publish(channel, { n: from + i })),
      )
    }

    const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)
    const offsetOf = (id: string) => Number(id.split(':')[1])

    test('messages arrive once, in order, numbered without gaps, on both sides', async () => {
      const [mine, theirs] = [await follow(a), await follow(b)]
      await publish(a, 1, 50)
      await vi.waitFor(() => expect(mine.numbers()).toEqual(upTo(50)), within)
      await vi.waitFor(() => expect(theirs.messages).toEqual(mine.messages), within)
      const start = offsetOf(mine.position)
      expect(mine.messages.map(({ id }) => offsetOf(id))).toEqual(upTo(start + 50, start + 1))
      expect(new Set(mine.messages.map(({ id }) => id.split(':')[0])).size).toBe(1)
    })

    test('a subscriber without a position hears what comes, not what was', async () => {
      await publish(a, 1, 5)
      const late = await follow(b)
      expect(late.recovered).toBe(true)
      await publish(a, 6, 7)
      await vi.waitFor(() => expect(late.numbers()).toEqual([6, 7]), within)
    })

    test('resumes exactly after every position, and goes on live', async () => {
      const first = await follow(a)
      await publish(a, 1, 30)
      await vi.waitFor(() => expect(first.messages).toHaveLength(30), within)
      const positions = [first.position, ...first.messages.map(({ id }) => id)]
      const resumed = await Promise.all(positions.map((from, i) => follow(i % 2 ? a : b, from)))
      for (const [i, each] of resumed.entries()) {
        expect(each).toMatchObject({ recovered: true, position: positions[i] })
      }
      await publish(b, 31, 33)
      for (const [i, each] of resumed.entries()) {
        await vi.waitFor(() => expect(each.numbers()).toEqual(upTo(33, i + 1)), within)
      }
    })

    test('what cannot be resumed says so, and is live from the position it names', async () => {
      const first = await follow(a)
      await publish(a, 1, 3)
      const epoch = first.position.split(':')[0]
      const here = offsetOf(first.position) + 3
      for (const from of [`${epoch}:${here + 1}`, 'other-epoch:1', 'nonsense', '', ':', `${epoch}:-1`]) {
        const lost = await follow(b, from)
        expect(lost).toMatchObject({ recovered: false, position: `${epoch}:${here}` })
        expect(lost.messages).toEqual([])
        lost.close()
      }
      const lost = await follow(b, 'gone:7')
      await publish(a, 4, 5)
      await vi.waitFor(() => expect(lost.numbers()).toEqual([4, 5]), within)
    })

    test('what has left the ring cannot be resumed', async () => {
      const first = await follow(a)
      for (let i = 0; i < 20; i++) await publish(a, i * 100 + 1, (i + 1) * 100)
      await vi.waitFor(() => expect(first.messages).toHaveLength(2000), within)
      expect(await follow(b, first.position)).toMatchObject({ recovered: false })
      const kept = first.messages[2000 - ring.messages - 1]?.id
      const resumed = await follow(b, kept)
      expect(resumed.recovered).toBe(true)
      expect(resumed.numbers()).toEqual(upTo(2000, 2001 - ring.messages))
    })

    test('the ring is capped in bytes too', async () => {
      const first = await follow(a)
      const text = 'x'.repeat(100_000)
      for (let n = 1; n <= 20; n++) await a.publish(channel, { n, text })
      await vi.waitFor(() => expect(first.messages).toHaveLength(20), within)
      expect(await follow(b, first.position)).toMatchObject({ recovered: false })
      const resumed = await follow(b, first.messages[16]?.id)
      expect(resumed.recovered).toBe(true)
      expect(resumed.numbers()).toEqual([18, 19, 20])
    })

    test('parallel publishers: all subscribers see one order, and each publisher’s own', async () => {
      const [mine, theirs] = [await follow(a), await follow(b)]
      await Promise.all(
        [a, b].map(async (hub, writer) => {
          for (let i = 0; i < 20; i++) {
            await Promise.all(
              Array.from({ length: 10 }, (_, k) => hub.publish(channel, { writer, n: i * 10 + k })),
            )
          }
        }),
      )
      await vi.waitFor(() => expect(mine.messages).toHaveLength(400), within)
      await vi.waitFor(() => expect(theirs.messages).toEqual(mine.messages), within)
      for (const writer of [0, 1]) {
        const own = mine.messages.filter(({ data }) => (data as { writer: number }).writer === writer)
        expect(own.map(({ data }) => (data as { n: number }).n)).toEqual(upTo(199, 0))
      }
    })

    test('whoever comes, goes and comes back while others publish misses nothing and sees nothing twice', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({
              burst: fc.integer({ min: 0, max: 12 }),
              who: fc.integer({ min: 0, max: 3 }),
              isAway: fc.boolean(),
            }),
            { minLength: 1, maxLength: 25 },
          ),
          async steps => {
            channel = `contract.${newToken(6)}`
            let last = 0
            const readers = await Promise.all(
              Array.from({ length: 4 }, async (_, i) => {
                const { position, close: leave } = await (i % 2 ? a : b).subscribe(
                  channel,
                  {},
                  () => undefined,
                )
                leave()
                return { seen: [] as number[], at: position, leave: null as (() => void) | null }
              }),
            )
            const join = async (i: number) => {
              const reader = readers[i]
              if (!reader || reader.leave) return
              const { recovered, close: leave } = await (i % 2 ? a : b).subscribe(
                channel,
                { from: reader.at },
                ({ id, data }) => {
                  reader.seen.push((data as { n: number }).n)
                  reader.at = id
                },
              )
              expect(recovered).toBe(true)
              reader.leave = leave
            }
            const keeper = await follow(a)
            for (const { burst, who, isAway } of steps) {
              const published = publish(burst % 2 ? a : b, last + 1, last + burst)
              last += burst
              const reader = readers[who]
              if (isAway) {
                reader?.leave?.()
                if (reader) reader.leave = null
              } else await join(who)
              await published
            }
            for (let i = 0; i < 4; i++) await join(i)
            for (const { seen } of readers) {
              await vi.waitFor(() => expect(seen).toHaveLength(last), within)
              expect([...seen].sort((x, y) => x - y)).toEqual(upTo(last))
            }
            await vi.waitFor(() => expect(keeper.messages).toHaveLength(last), within)
            for (const { seen } of readers) expect(seen).toEqual(keeper.numbers())
            for (const { leave } of readers) leave?.()
            keeper.close()
          },
        ),
        { numRuns: 40 },
      )
    })

    test('a closed subscription is silent; one that throws does not disturb others', async () => {
      const gone = await follow(a)
      gone.close()
      gone.close()
      await a.subscribe(channel, {}, () => {
        throw new Error('a bad subscriber')
      })
      const good = await follow(a)
      await publish(b, 1, 3)
      await vi.waitFor(() => expect(good.numbers()).toEqual([1, 2, 3]), within)
      expect(gone.messages).toEqual([])
    })

    test('channels do not hear each other', async () => {
      const other = channel
      const first = await follow(a)
      channel = `${other}-b`
      const second = await follow(b)
      await publish(a, 1, 2)
      await vi.waitFor(() => expect(second.numbers()).toEqual([1, 2]), within)
      expect(first.messages).toEqual([])
    })

    test('a user, or one session, is disconnected wherever the connections are', async () => {
      const closed: string[] = []
      const add = (hub: Realtime, user_id: string, session_id: string) => {
        const label = `${user_id}/${session_id}`
        const connection: Connection = {
          kind: 'sse',
          actor: { ...actorOf(user_id), session_id },
          close(closing) {
            closed.push(`${label} ${closing}`)
            remove()
          },
          heartbeat() {},
        }
        const remove = hub.connections.add(connection)
      }
      const user = newToken(6)
      add(a, user, 's1')
      add(b, user, 's1')
      add(b, user, 's2')
      add(b, `${user}-other`, 's3')
      await a.disconnectUser(user, 's1')
      await vi.waitFor(
        () => expect(closed).toEqual([`${user}/s1 signed_out`, `${user}/s1 signed_out`]),
        within,
      )
      await a.disconnectUser(user)
      await vi.waitFor(() => expect(closed.at(2)).toBe(`${user}/s2 signed_out`), within)
      expect(closed).toHaveLength(3)
    })
  })
}
