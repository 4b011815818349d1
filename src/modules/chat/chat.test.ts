import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { loadConfig } from '#core/config.ts'
import { newId } from '#core/ids.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { chatSettings } from './config.ts'
import type { Conversation, Message } from './contract.ts'
import { purgeJob } from './jobs.ts'
import type { QuotaState } from './quota.ts'
import type { SearchHit } from './search.ts'
import { type ChatApp, readEvents, signUpForChat, startChatApp } from './testing.ts'

let app: ChatApp
beforeAll(async () => {
  app = await startChatApp()
})
afterAll(() => app.stop())

type List<T> = { items: T[]; next_cursor: string | null }

describe('an answer', () => {
  test('is stored with the question, streamed, and kept with its numbers', async () => {
    const { chat } = await signUpForChat(app)
    const conversation = await chat.begin()
    const { status, body } = await chat.send(conversation.id, '你好')
    expect(status).toBe(202)
    expect(body.user_message).toMatchObject({
      role: 'user',
      content: '你好',
      status: 'done',
      parent_id: null,
    })
    expect(body.assistant_message).toMatchObject({
      role: 'assistant',
      status: 'streaming',
      parent_id: body.user_message.id,
    })

    const done = await chat.ended(body.assistant_message.id)
    expect(done).toMatchObject({
      content: 'Hello from the fake.',
      status: 'done',
      finish_reason: 'stop',
      model: 'fake-1',
      prompt_tokens: 7,
      completion_tokens: 5,
      tokens_used: 12,
      usage_source: 'upstream',
      cost_micros: 0,
    })
    expect(done.latency_ms).toBeGreaterThanOrEqual(done.first_token_ms ?? Number.NaN)
    const page = await chat.call<List<Message>>('GET', `/conversations/${conversation.id}/messages`)
    expect(page.body.items.map(message => message.content)).toEqual(['Hello from the fake.', '你好'])
  })

  test('comes as a stream where the client asks for one', async () => {
    const { chat, headers } = await signUpForChat(app)
    const { id } = await chat.begin()
    const response = await app.fetch(`/api/v1/chat/conversations/${id}/messages`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ client_message_id: 'streamed', content: 'Hi' }),
    })
    const events = await readEvents(response)
    expect(events.map(event => event.event)).toEqual([
      'started',
      ...events.slice(1, -1).map(() => 'delta'),
      'done',
    ])
    const text = events.slice(1, -1).map(event => (JSON.parse(event.data) as { content: string }).content)
    expect(text.join('')).toBe('Hello from the fake.')
  })
})

describe('conversations', () => {
  test('are listed pinned first, then the latest, page by page, and archived ones apart', async () => {
    const { chat } = await signUpForChat(app)
    const made: Conversation[] = []
    for (const title of ['one', 'two', 'three', 'four']) made.push(await chat.begin({ title }))
    const titles = async (query: string) =>
      (await chat.call<List<Conversation>>('GET', `/conversations${query}`)).body.items.map(
        item => item.title,
      )
    expect(await titles('')).toEqual(['four', 'three', 'two', 'one'])

    await chat.call('PATCH', `/conversations/${made[0]?.id}`, { is_pinned: true })
    await chat.call('PATCH', `/conversations/${made[1]?.id}`, { is_archived: true })
    expect(await titles('')).toEqual(['one', 'four', 'three'])
    expect(await titles('?archived=true')).toEqual(['two'])

    const first = await chat.call<List<Conversation>>('GET', '/conversations?limit=2')
    expect(first.body.items.map(item => item.title)).toEqual(['one', 'four'])
    const rest = await chat.call<List<Conversation>>(
      'GET',
      `/conversations?limit=2&cursor=${first.body.next_cursor}`,
    )
    expect(rest.body).toMatchObject({ items: [{ title: 'three' }], next_cursor: null })
    await chat.begin({ title: 'secret', is_temporary: true })
    expect(await titles('')).toEqual(['one', 'four', 'three'])
    // A question moves its conversation up at once, before it is answered.
    await chat.send(made[2]?.id ?? '', 'Hi')
    expect(await titles('')).toEqual(['one', 'three', 'four'])
  })

  test('are deleted with an undo', async () => {
    const { chat } = await signUpForChat(app)
    const { id } = await chat.begin({ title: 'gone' })
    expect((await chat.call('DELETE', `/conversations/${id}`)).status).toBe(204)
    expect((await chat.call('GET', `/conversations/${id}`)).status).toBe(404)
    expect((await chat.call('DELETE', `/conversations/${id}`)).status).toBe(404)
    expect((await chat.call<Conversation>('POST', `/conversations/${id}/restore`)).body.title).toBe('gone')
    expect((await chat.call('GET', `/conversations/${id}`)).status).toBe(200)
  })

  test('of others do not exist', async () => {
    const owner = await signUpForChat(app)
    const stranger = await signUpForChat(app)
    const { id } = await owner.chat.begin()
    const { body } = await owner.chat.send(id, 'mine')
    await owner.chat.ended(body.assistant_message.id)
    const question = body.user_message.id
    const answer = body.assistant_message.id
    const tries: [string, string, object?][] = [
      ['GET', `/conversations/${id}`],
      ['PATCH', `/conversations/${id}`, { title: 'stolen' }],
      ['DELETE', `/conversations/${id}`],
      ['POST', `/conversations/${id}/restore`],
      ['GET', `/conversations/${id}/messages`],
      ['POST', `/conversations/${id}/messages`, { client_message_id: 'x', content: 'hi' }],
      ['GET', `/messages/${answer}`],
      ['GET', `/messages/${answer}/stream`],
      ['POST', `/messages/${answer}/regenerate`, { client_message_id: 'x' }],
      ['POST', `/messages/${answer}/continue`, { client_message_id: 'x' }],
      ['POST', `/messages/${answer}/stop`],
    ]
    for (const [method, path, body] of tries)
      expect([method, path, (await stranger.chat.call(method, path, body)).status]).toEqual([
        method,
        path,
        404,
      ])
    const own = await stranger.chat.begin()
    const planted = await stranger.chat.send(own.id, 'hi', { parent_id: question })
    expect(planted.status).toBe(404)
    const switched = await stranger.chat.call('PATCH', `/conversations/${own.id}`, {
      current_message_id: question,
    })
    expect(switched.status).toBe(404)
  })

  test('get a title in the background, unless the user gave one', async () => {
    const { chat } = await signUpForChat(app)
    const { id } = await chat.begin()
    const named = await chat.begin({ title: '我的标题' })
    for (const conversation of [id, named.id])
      await chat.ended((await chat.send(conversation, '请介绍一下榕树的气生根')).body.assistant_message.id)
    const title = async (conversation: string) =>
      (await chat.call<Conversation>('GET', `/conversations/${conversation}`)).body.title
    await vi.waitFor(async () => expect(await title(id)).toBeTruthy(), { timeout: 30_000 })
    expect(await title(named.id)).toBe('我的标题')
  })
})

describe('the tree', () => {
  test('has edits and other answers as branches, and shows the one that is chosen', async () => {
    const { chat } = await signUpForChat(app)
    const { id } = await chat.begin({ title: 'tree' })
    const ask = async (content: string, more: object = {}) => {
      const { body } = await chat.send(id, content, more)
      await chat.ended(body.assistant_message.id)
      return { question: body.user_message.id, answer: body.assistant_message.id }
    }
    const page = async (query = '') =>
      (await chat.call<List<Message>>('GET', `/conversations/${id}/messages${query}`)).body
    const shown = async () => (await page()).items.map(message => message.id).reverse()

    const first = await ask('first')
    const second = await ask('second')
    const edited = await ask('first, edited', { parent_id: null })
    expect(await shown()).toEqual([edited.question, edited.answer])
    expect((await chat.message(edited.question)).sibling_ids).toEqual([first.question, edited.question])

    await chat.call('PATCH', `/conversations/${id}`, { current_message_id: first.question })
    expect(await shown()).toEqual([first.question, first.answer, second.question, second.answer])

    const again = await chat.call<{ assistant_message: Message }>(
      'POST',
      `/messages/${second.answer}/regenerate`,
      { client_message_id: 'again' },
    )
    const other = again.body.assistant_message
    await chat.ended(other.id)
    expect(other.parent_id).toBe(second.question)
    expect(await shown()).toEqual([first.question, first.answer, second.question, other.id])
    expect((await chat.message(other.id)).sibling_ids).toEqual([second.answer, other.id])

    const newest = await page('?limit=3')
    expect(newest.items.map(message => message.id)).toEqual([other.id, second.question, first.answer])
    const rest = await page(`?limit=3&cursor=${newest.next_cursor}`)
    expect(rest).toMatchObject({ items: [{ id: first.question }], next_cursor: null })
  })

  test('of ten thousand messages is paged and switched from any place', async () => {
    const { chat } = await signUpForChat(app)
    const { id } = await chat.begin({ title: 'long' })
    const ids = await plantLongConversation(app, id, 10_000)
    const switched = await chat.call('PATCH', `/conversations/${id}`, { current_message_id: ids[0] })
    expect(switched).toMatchObject({ status: 200, body: { current_message_id: ids.at(-1) } })
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body }: { body: List<Message> } = await chat.call(
        'GET',
        `/conversations/${id}/messages?limit=100${cursor ? `&cursor=${cursor}` : ''}`,
      )
      seen.push(...body.items.map(message => message.id))
      cursor = body.next_cursor
    }
    expect(seen.length).toBe(ids.length)
    expect(seen.join()).toBe(ids.toReversed().join())
    const { status, body } = await chat.send(id, 'and now?')
    expect(status).toBe(202)
    expect((await chat.ended(body.assistant_message.id)).status).toBe('done')
  })
})

/** One long branch, alternating questions and answers, written below the door because it takes too long through it. */
async function plantLongConversation(
  app: ChatApp,
  conversationId: string,
  length: number,
): Promise<string[]> {
  const ids = Array.from({ length }, newId)
  await sql`
    INSERT INTO chat_message (id, conversation_id, parent_id, role, content, status)
    SELECT id, ${conversationId}, lag(id) OVER (ORDER BY at),
      CASE WHEN at % 2 = 1 THEN 'user' ELSE 'assistant' END, 'message ' || at, 'done'
    FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS planted (id, at)`.execute(app.core.db.primary)
  return ids
}

describe('search', () => {
  test('finds titles and messages by two Chinese characters, marks the hits, and pages by rank', async () => {
    const { chat } = await signUpForChat(app)
    const stranger = await signUpForChat(app)
    const garden = await chat.begin({ title: '榕树与花园' })
    const other = await chat.begin({ title: '别的' })
    await chat.ended((await chat.send(other.id, '榕树的气生根是什么？')).body.assistant_message.id)
    const gone = await chat.begin({ title: '榕树（已删除）' })
    await chat.call('DELETE', `/conversations/${gone.id}`)
    await chat.begin({ title: '榕树（临时）', is_temporary: true })

    const find = async (q: string, more = '') =>
      (await chat.call<List<SearchHit>>('GET', `/search?q=${encodeURIComponent(q)}${more}`)).body
    const { items } = await find('榕树')
    expect(items.map(item => [item.conversation.id, item.title_highlight, item.highlight])).toEqual([
      [garden.id, '\u0001榕树\u0002与花园', null],
      [other.id, null, '\u0001榕树\u0002的气生根是什么？'],
    ])
    const first = await find('榕树', '&limit=1')
    const second = await find('榕树', `&limit=1&cursor=${first.next_cursor}`)
    expect([...first.items, ...second.items].map(item => item.conversation.id)).toEqual([garden.id, other.id])
    expect(second.next_cursor).toBeNull()
    expect((await find('根')).items).toHaveLength(1)
    expect((await find('fake')).items[0]?.message?.role).toBe('assistant')
    expect((await find('！？')).items).toEqual([])
    expect((await stranger.chat.call<List<SearchHit>>('GET', '/search?q=fake')).body.items).toEqual([])
  })
})

describe('hostile input', () => {
  test('is refused or made harmless', async () => {
    const { chat } = await signUpForChat(app)
    for (const text of ['nul \u0000', 'half a pair \ud83d']) {
      expect((await chat.call('POST', '/conversations', { title: text })).status).toBe(400)
    }
    const { id } = await chat.begin()
    for (const text of ['a\u0000b', 'half a pair \udc00'])
      expect((await chat.send(id, text)).status).toBe(400)
    const { body } = await chat.send(id, 'plain')
    await chat.ended(body.assistant_message.id)
    expect((await chat.send(id, ' \n ')).status).toBe(400)
    expect((await chat.send(id, 'x'.repeat(100_001))).status).toBe(413)
    expect((await chat.send(id, 'x', { client_message_id: 'a b' })).status).toBe(400)
    expect((await chat.send(id, 'x', { model: 'no-such-model' })).status).toBe(404)
    expect((await chat.send(id, 'x', { attachment_ids: [id] })).status).toBe(404)
    expect((await chat.call('POST', `/messages/${body.user_message.id}/stop`)).status).toBe(409)
    expect((await chat.call('GET', `/conversations?cursor=${btoa('[1]')}`)).status).toBe(400)
    expect((await chat.stream(body.assistant_message.id, { from: 'nonsense' })).status).toBe(400)
  })
})

describe('limits and leftovers', () => {
  test('what is left is told in headers, on a page of its own, and live', async () => {
    const { chat, user } = await signUpForChat(app)
    const models = await chat.call<List<{ id: string; is_default: boolean }>>('GET', '/models')
    expect(models.body.items.find(model => model.is_default)?.id).toBe('fake-1')
    const heard: unknown[] = []
    const news = await app.core.realtime.subscribe(`chat.user.${user.id}`, {}, ({ data }) => heard.push(data))
    const { id } = await chat.begin({ title: 'quota' })
    const sent = await chat.send(id, 'Hi')
    await chat.ended(sent.body.assistant_message.id)
    const { body } = await chat.call<QuotaState>('GET', '/quota')
    const requests = body.limits.find(limit => limit.metric === 'requests' && limit.period === 'day')
    expect(requests).toMatchObject({ used: 1, held: 0 })
    expect(sent.headers.get('x-quota-requests-remaining')).toBe(String(requests?.remaining))
    await vi.waitFor(
      () => expect(heard).toContainEqual(expect.objectContaining({ type: 'quota.updated' })),
      30_000,
    )
    news.close()
  })

  test('deleted and temporary conversations are removed for good, and all of a deleted user', async () => {
    const { chat, user } = await signUpForChat(app)
    const deleted = await chat.begin({ title: 'old' })
    const temporary = await chat.begin({ is_temporary: true })
    const kept = await chat.begin({ title: 'kept' })
    await chat.ended((await chat.send(temporary.id, 'Hi')).body.assistant_message.id)
    const { primary } = app.core.db
    await sql`UPDATE chat_conversation SET deleted_at = now() - interval '31 days' WHERE id = ${deleted.id}`.execute(
      primary,
    )
    await sql`UPDATE chat_conversation SET last_message_at = now() - interval '2 days' WHERE id = ${temporary.id}`.execute(
      primary,
    )
    const left = async () => {
      const { rows } = await sql<{ id: string }>`
        SELECT id FROM chat_conversation WHERE user_id = ${user.id}`.execute(primary)
      return rows.map(row => row.id)
    }
    const settings = loadConfig(chatSettings, { env: {} }).values
    await app.core.jobs.add(primary, purgeJob({ db: app.core.db, settings }), {})
    await vi.waitFor(async () => expect(await left()).toEqual([kept.id]), 30_000)
    await app.core.events.publish(primary, UserDeleted, { user_id: user.id })
    await vi.waitFor(async () => expect(await left()).toEqual([]), 30_000)
  })
})
