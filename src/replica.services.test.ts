import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { newId } from '#core/ids.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import { defineModule } from '#core/module.ts'
import { type RedisServer, redisIsThere, startRedisServer } from '#core/redis.testing.ts'
import { answerSteps } from '#core/testing/fake-openai.ts'
import {
  canReplicatePostgres,
  type ReplicatedPostgres,
  startReplicatedPostgres,
} from '#core/testing/replicated-postgres.ts'
import { conversationStore } from '#modules/chat/conversation-store.ts'
import type { ChatTables } from '#modules/chat/tables.ts'
import { type ChatApp, chatClient, chatModules, signUpForChat, startChatApp } from '#modules/chat/testing.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'

const within = { timeout: 30_000, interval: 100 }
const patience_ms = 180_000

type Chatter = Awaited<ReturnType<typeof signUpForChat>>

/** Titles of the own conversations with a word. */
async function titlesWith({ chat }: Chatter, word: string): Promise<(string | null)[]> {
  const { status, body } = await chat.call<{ items: { conversation: { title: string | null } }[] }>(
    'GET',
    `/search?q=${word}`,
  )
  expect(status).toBe(200)
  return body.items.map(({ conversation }) => conversation.title)
}

async function namesOfAll(app: ChatApp, { headers }: TestUser): Promise<(string | null)[]> {
  const response = await app.fetch('/api/v1/users?limit=100', { headers })
  expect(response.status).toBe(200)
  const { items } = (await response.json()) as { items: { display_name: string | null }[] }
  return items.map(({ display_name }) => display_name)
}

/** One short request: what others see late is not late for long. */
async function takeName(app: ChatApp, { headers }: TestUser, display_name: string): Promise<void> {
  const response = await app.fetch('/api/v1/users/me', {
    method: 'PATCH',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ display_name }),
  })
  expect(response.status).toBe(200)
}

async function readsAt(app: ChatApp, server: 'replica' | 'primary'): Promise<number> {
  const text = await app.core.metrics.registry.getSingleMetricAsString('db_reads_total')
  return Number(new RegExp(`server="${server}"\\} (\\d+)`).exec(text)?.[1] ?? 0)
}

/** Until what a reader asks for comes from there. */
async function untilServedBy(app: ChatApp, server: 'replica' | 'primary', ask: () => Promise<unknown>) {
  await vi.waitFor(async () => {
    const before = await readsAt(app, server)
    await ask()
    expect(await readsAt(app, server)).toBeGreaterThan(before)
  }, within)
}

const oneProcess = () => {
  let postgres: ReplicatedPostgres
  let app: ChatApp
  let answering: PromiseWithResolvers<void>
  let working: PromiseWithResolvers<void>

  const workForSomebody = defineJob({
    name: 'figs.work_for_somebody',
    schema: z.object({ user_id: z.uuid() }),
    async run({ user_id }) {
      await working.promise
      const db = app.core.db.withTables<ChatTables>()
      const fields = { title: 'Quince of the job', bot_id: null, model: null, folder_id: null }
      await conversationStore.insert(db.primary, { id: newId(), user_id, is_temporary: false, ...fields })
    },
  })
  const figs = defineModule({
    name: 'figs',
    settings: {},
    permissions: [],
    migrations: [],
    setup: () => ({ jobs: [workForSomebody] }),
  })

  beforeAll(async () => {
    postgres = await startReplicatedPostgres()
    app = await startChatApp({
      modules: [...(await chatModules()), figs],
      settings: { DATABASE_URL: postgres.primaryUrl, DATABASE_REPLICA_URL: postgres.replicaUrl },
      script: () => ({
        steps: [{ text: 'A ripe ' }, { until: answering.promise }, ...answerSteps('tamarind')],
      }),
    })
  }, patience_ms)
  afterAll(async () => {
    await app.stop()
    await postgres.stop()
  })

  test(
    'one’s own writes are seen at once, those of others late, and no later than ten seconds or so',
    async () => {
      const [alice, admin, other] = [await signUpForChat(app), await signInAdmin(app), await signUp(app)]
      await untilServedBy(app, 'replica', () => titlesWith(alice, 'pomelo'))
      await untilServedBy(app, 'replica', () => namesOfAll(app, admin))
      await postgres.pauseReplay()
      await takeName(app, other, 'Durian')
      expect(await namesOfAll(app, admin)).not.toContain('Durian')
      await alice.chat.begin({ title: 'Pomelo' })
      expect(await titlesWith(alice, 'pomelo')).toEqual(['Pomelo'])
      const { body } = await alice.chat.call<{ id: string }>('POST', '/conversations', {
        title: 'Pomelo two',
      })
      expect(await titlesWith(alice, 'pomelo')).toHaveLength(2)
      await alice.chat.call('DELETE', `/conversations/${body.id}`)
      expect(await titlesWith(alice, 'pomelo')).toEqual(['Pomelo'])

      await vi.waitFor(async () => expect(await namesOfAll(app, admin)).toContain('Durian'), within)
      await postgres.resumeReplay()
      await untilServedBy(app, 'replica', () => titlesWith(alice, 'pomelo'))
      expect(await titlesWith(alice, 'pomelo')).toEqual(['Pomelo'])
    },
    patience_ms,
  )

  test(
    'an answer that ends long after its question, and a job of one’s own, are seen when one hears of them',
    async () => {
      answering = Promise.withResolvers()
      working = Promise.withResolvers()
      const bob = await signUpForChat(app)
      const { id } = await bob.chat.begin({ title: 'Fruit' })
      const { body } = await bob.chat.send(id, 'Which one?')
      await untilServedBy(app, 'replica', () => titlesWith(bob, 'tamarind'))
      await postgres.pauseReplay()
      expect(await titlesWith(bob, 'tamarind')).toEqual([])
      answering.resolve()
      await bob.chat.ended(body.assistant_message.id)
      expect(await titlesWith(bob, 'tamarind')).toEqual(['Fruit'])
      await postgres.resumeReplay()

      const { jobs, db } = app.core
      const user_id = bob.user.id
      const job = await jobs.add(db.primary, workForSomebody, { user_id }, { owner_id: user_id })
      await untilServedBy(app, 'replica', () => titlesWith(bob, 'quince'))
      await postgres.pauseReplay()
      working.resolve()
      await vi.waitFor(async () => expect((await jobs.get(job))?.state).toBe('succeeded'), within)
      expect(await titlesWith(bob, 'quince')).toEqual(['Quince of the job'])
      await postgres.resumeReplay()
    },
    patience_ms,
  )

  test(
    'a replica that goes away, freezes or hangs is no error, and is used again when it is back',
    async () => {
      const carol = await signUpForChat(app)
      await carol.chat.begin({ title: 'Rambutan' })
      const ask = async () => expect(await titlesWith(carol, 'rambutan')).toEqual(['Rambutan'])
      await untilServedBy(app, 'replica', ask)
      await postgres.stopReplica()
      await untilServedBy(app, 'primary', ask)
      for (let i = 0; i < 20; i++) await ask()
      await postgres.startReplica()
      await untilServedBy(app, 'replica', ask)

      postgres.freezeReplica()
      // More than the pool has connections: each waits for the frozen server until it is given up.
      await Promise.all(Array.from({ length: 30 }, ask))
      await untilServedBy(app, 'primary', ask)
      postgres.thawReplica()
      await untilServedBy(app, 'replica', ask)
      for (let i = 0; i < 20; i++) await ask()

      // The replay stops while it holds a lock that the primary has long given back.
      await app.core.db.transaction(async tx => {
        await sql`LOCK TABLE chat_conversation IN ACCESS EXCLUSIVE MODE`.execute(tx)
        await postgres.pauseReplay('chat_conversation')
      })
      await ask()
      await postgres.resumeReplay()
      await untilServedBy(app, 'replica', ask)
      expect(app.logLines.join('\n')).toContain('all reads go to the primary')
    },
    patience_ms,
  )
}

const twoProcesses = () => {
  let postgres: ReplicatedPostgres
  let redis: RedisServer
  let one: ChatApp
  let two: ChatApp
  beforeAll(async () => {
    ;[postgres, redis] = await Promise.all([startReplicatedPostgres(), startRedisServer()])
    const start = async () =>
      startChatApp({
        modules: await chatModules(),
        settings: {
          DATABASE_URL: postgres.primaryUrl,
          DATABASE_REPLICA_URL: postgres.replicaUrl,
          REDIS_URL: redis.url,
        },
      })
    one = await start()
    two = await start()
  }, patience_ms)
  afterAll(async () => {
    await two.stop()
    await one.stop()
    await redis.kill()
    await postgres.stop()
  })

  test(
    'what one writes at a process is seen at the other at once, also while Redis is away',
    async () => {
      const dora = await signUpForChat(one)
      const there: Chatter = { ...dora, chat: chatClient(two, dora) }
      const [admin, other] = [await signInAdmin(one), await signUp(one)]
      await untilServedBy(two, 'replica', () => titlesWith(there, 'lychee'))
      await untilServedBy(two, 'replica', () => namesOfAll(two, admin))
      await postgres.pauseReplay()
      await dora.chat.begin({ title: 'Lychee' })
      expect(await titlesWith(there, 'lychee')).toEqual(['Lychee'])
      expect(await titlesWith(dora, 'lychee')).toEqual(['Lychee'])
      await takeName(one, other, 'Durian')
      expect(await namesOfAll(two, admin)).not.toContain('Durian')
      // From now on no process knows what the other one’s users did: all of them read the primary.
      await redis.kill()
      expect(await namesOfAll(two, admin)).toContain('Durian')
      await dora.chat.begin({ title: 'Lychee again' })
      expect(await titlesWith(there, 'lychee')).toHaveLength(2)
      await redis.start()
      await postgres.resumeReplay()
      await untilServedBy(two, 'replica', () => titlesWith(there, 'lychee'))
      expect(await titlesWith(there, 'lychee')).toHaveLength(2)
    },
    patience_ms,
  )
}

if (canReplicatePostgres()) {
  describe('a streaming replica', oneProcess)
  if (await redisIsThere()) describe('a streaming replica of two processes', twoProcesses)
}
