import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatMessage } from '#core/ai/types.ts'
import { answerSteps } from '#core/testing/fake-openai.ts'
import { signUp } from '#modules/identity/testing.ts'
import type { BotAnswer } from './bot-answers.ts'
import type { Bot } from './bots.ts'
import type { Conversation } from './contract.ts'
import type { Folder } from './folders.ts'
import type { Instructions } from './instructions.ts'
import type { QuotaState } from './quota.ts'
import {
  asksForAnswer,
  type ChatApp,
  chatClient,
  readEvents,
  signUpForChat,
  startChatApp,
} from './testing.ts'

/** What is said to the model to make the fake one fail. */
const breakPhrase = 'please break'

let app: ChatApp
beforeAll(async () => {
  app = await startChatApp({
    script: request =>
      JSON.stringify(request.body?.messages).includes(breakPhrase)
        ? { steps: [{ text: 'Half ' }, { cut: true }] }
        : { steps: answerSteps('Arr, matey!', { prompt_tokens: 30, completion_tokens: 4 }) },
  })
})
afterAll(() => app.stop())

type List<T> = { items: T[]; next_cursor: string | null }
type Sent = { model: string; temperature?: number; messages: ChatMessage[] }

const lastSent = (): Sent => app.upstream.requests.filter(asksForAnswer).at(-1)?.body as unknown as Sent

const pirate = {
  name: '海盗',
  system_prompt: 'You are a pirate.',
  model: 'fake-2',
  temperature: 0.25,
  opening_line: 'Ahoy! Where do we sail?',
  example_questions: ['Where is the treasure?'],
}

const publisher = async () => {
  const admin = await signUp(app, { roles: ['admin', 'user'] })
  return { ...admin, chat: chatClient(app, admin) }
}

describe('bots', () => {
  test('are made, changed and deleted by their owner, and do not exist for others', async () => {
    const { chat, user } = await signUpForChat(app)
    const stranger = await signUpForChat(app)
    const { status, body: bot } = await chat.call<Bot>('POST', '/bots', pirate)
    expect(status).toBe(201)
    expect(bot).toEqual({
      ...pirate,
      id: bot.id,
      owner_id: user.id,
      description: '',
      avatar_emoji: '🤖',
      memory: 'facts',
      is_public: false,
    })
    const { id, owner_id: _, ...fields } = bot
    const renamed = await chat.call<Bot>('PUT', `/bots/${id}`, { ...fields, name: 'Blackbeard' })
    expect(renamed.body).toEqual({ ...bot, name: 'Blackbeard' })
    const tries: [string, string, object?][] = [
      ['GET', `/bots/${id}`],
      ['PUT', `/bots/${id}`, fields],
      ['DELETE', `/bots/${id}`],
      ['POST', `/bots/${id}/ask`, { content: 'hi' }],
      ['POST', '/conversations', { bot_id: id }],
    ]
    for (const [method, path, input] of tries) {
      const refused = await stranger.chat.call<{ code: string }>(method, path, input)
      expect([method, path, refused.status, refused.body.code]).toEqual([method, path, 404, 'bot.not_found'])
    }
    expect((await chat.call('DELETE', `/bots/${id}`)).status).toBe(204)
    expect((await chat.call('GET', `/bots/${id}`)).status).toBe(404)
  })

  test('are published by those who may, read by all, changed by the owner only', async () => {
    const { chat } = await signUpForChat(app)
    const admin = await publisher()
    const refused = await chat.call<{ code: string }>('POST', '/bots', { ...pirate, is_public: true })
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.forbidden'])
    const own = (await chat.call<Bot>('POST', '/bots', pirate)).body
    expect((await chat.call('PUT', `/bots/${own.id}`, { ...pirate, is_public: true })).status).toBe(403)

    const shared = (await admin.chat.call<Bot>('POST', '/bots', { ...pirate, is_public: true })).body
    const later = (await chat.call<Bot>('POST', '/bots', { ...pirate, name: 'Later' })).body
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path: string = `/bots?limit=1${cursor && `&cursor=${cursor}`}`
      const { body }: { body: List<Bot> } = await chat.call('GET', path)
      seen.push(...body.items.map(item => item.id))
      cursor = body.next_cursor
    }
    expect(seen).toEqual([later.id, own.id, shared.id])
    expect((await chat.call('PUT', `/bots/${shared.id}`, pirate)).status).toBe(404)
    expect((await chat.call('DELETE', `/bots/${shared.id}`)).status).toBe(404)
    expect((await chat.call('POST', '/conversations', { bot_id: shared.id })).status).toBe(201)
  })

  test('give a conversation their prompt, model, temperature and opening line', async () => {
    const { chat } = await signUpForChat(app)
    const bot = (await chat.call<Bot>('POST', '/bots', pirate)).body
    const conversation = await chat.begin({ bot_id: bot.id })
    const answer = await chat.ended((await chat.send(conversation.id, 'East')).body.assistant_message.id)
    expect(answer).toMatchObject({ model: 'fake-2', status: 'done' })
    const sent = lastSent()
    expect([sent.model, sent.temperature]).toEqual(['fake-2', 0.25])
    const system = String(sent.messages[0]?.content)
    expect(system.startsWith(pirate.system_prompt)).toBe(true)
    expect(system).toContain(pirate.opening_line)

    await chat.call('DELETE', `/bots/${bot.id}`)
    const kept = await chat.call<Conversation>('GET', `/conversations/${conversation.id}`)
    expect(kept.body.bot_id).toBeNull()
  })

  test('without a memory see the question alone, also when it is answered again', async () => {
    const { chat } = await signUpForChat(app)
    const bot = (await chat.call<Bot>('POST', '/bots', { ...pirate, memory: 'none' })).body
    const { id } = await chat.begin({ bot_id: bot.id })
    await chat.ended((await chat.send(id, 'first')).body.assistant_message.id)
    const second = (await chat.send(id, 'second')).body.assistant_message.id
    await chat.ended(second)
    const said = () => lastSent().messages.slice(1)
    expect(said()).toEqual([{ role: 'user', content: 'second' }])
    const again = await chat.call<{ assistant_message: { id: string } }>(
      'POST',
      `/messages/${second}/regenerate`,
      { client_message_id: 'again' },
    )
    await chat.ended(again.body.assistant_message.id)
    expect(said()).toEqual([{ role: 'user', content: 'second' }])
  })

  test('answer single questions, whole or streamed, and are charged for', async () => {
    const { chat, headers } = await signUpForChat(app)
    const bot = (await chat.call<Bot>('POST', '/bots', pirate)).body
    const whole = await chat.call<BotAnswer>('POST', `/bots/${bot.id}/ask`, { content: 'Hi' })
    expect(whole).toMatchObject({
      status: 200,
      body: { content: 'Arr, matey!', model: 'fake-2', finish_reason: 'stop', tokens_used: 34 },
    })
    expect(lastSent().messages.slice(1)).toEqual([{ role: 'user', content: 'Hi' }])
    const { limits } = (await chat.call<QuotaState>('GET', '/quota')).body
    expect(limits.find(limit => limit.metric === 'requests')?.used).toBe(1)

    const ask = (content: string) =>
      app.fetch(`/api/v1/chat/bots/${bot.id}/ask`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ content }),
      })
    const events = await readEvents(await ask('Hi'))
    expect(events.at(-1)).toMatchObject({ event: 'done' })
    const pieces = events.slice(0, -1).map(event => (JSON.parse(event.data) as { content: string }).content)
    expect(pieces.join('')).toBe('Arr, matey!')
    const broken = await readEvents(await ask(breakPhrase))
    expect(broken.map(event => event.event)).toEqual(['delta', 'error'])

    expect((await chat.call('POST', `/bots/${bot.id}/ask`, { content: ' ' })).status).toBe(400)
    expect((await chat.call<List<Conversation>>('GET', '/conversations')).body.items).toEqual([])
  })

  test('refuse hostile input', async () => {
    const { chat } = await signUpForChat(app)
    const bad: object[] = [
      {},
      { ...pirate, name: '' },
      { ...pirate, temperature: 3 },
      { ...pirate, memory: 'all' },
      { ...pirate, example_questions: [1] },
      { ...pirate, owner_id: 'x' },
    ]
    for (const input of bad) expect((await chat.call('POST', '/bots', input)).status).toBe(400)
    expect((await chat.call('POST', '/bots', { ...pirate, model: 'no-such' })).status).toBe(404)
    for (const name of ['a\u0000', 'a\ud83d'])
      expect((await chat.call('POST', '/bots', { ...pirate, name })).status).toBe(400)
  })
})

describe('folders', () => {
  test('keep their order; deleting one moves its conversations out', async () => {
    const { chat } = await signUpForChat(app)
    const stranger = await signUpForChat(app)
    const work = (await chat.call<Folder>('POST', '/folders', { name: 'Work' })).body
    const home = (await chat.call<Folder>('POST', '/folders', { name: '家' })).body
    expect([work.position, home.position]).toEqual([0, 1])
    const moved = await chat.call<Folder>('PATCH', `/folders/${work.id}`, { position: 5 })
    expect(moved.body).toEqual({ ...work, position: 5 })
    await chat.call('PATCH', `/folders/${home.id}`, { name: 'Home' })
    const names = async () =>
      (await chat.call<List<Folder>>('GET', '/folders')).body.items.map(folder => folder.name)
    expect(await names()).toEqual(['Home', 'Work'])

    const { id } = await chat.begin({ folder_id: work.id })
    const listed = async () => (await chat.call<List<Conversation>>('GET', '/conversations')).body.items[0]
    expect((await listed())?.folder_id).toBe(work.id)
    expect((await stranger.chat.call('PATCH', `/folders/${work.id}`, { name: 'x' })).status).toBe(404)
    expect((await stranger.chat.call('DELETE', `/folders/${work.id}`)).status).toBe(404)
    expect((await stranger.chat.call('POST', '/conversations', { folder_id: work.id })).status).toBe(404)
    expect((await chat.call('DELETE', `/folders/${work.id}`)).status).toBe(204)
    expect(await listed()).toMatchObject({ id, folder_id: null })
    expect(await names()).toEqual(['Home'])
  })
})

describe('custom instructions', () => {
  test('are kept, and told to the model while they are on', async () => {
    const { chat } = await signUpForChat(app)
    expect((await chat.call('GET', '/instructions')).body).toEqual({
      about_user: '',
      answer_style: '',
      is_enabled: true,
    })
    const given: Instructions = { about_user: 'I keep bees.', answer_style: 'In verse.', is_enabled: true }
    expect((await chat.call('PUT', '/instructions', given)).body).toEqual(given)
    const { id } = await chat.begin({ title: 'bees' })
    const systemOf = async (content: string) => {
      await chat.ended((await chat.send(id, content)).body.assistant_message.id)
      return String(lastSent().messages[0]?.content)
    }
    expect(await systemOf('one')).toMatch(/I keep bees\.[\s\S]*In verse\./)
    await chat.call('PUT', '/instructions', { ...given, is_enabled: false })
    expect(await systemOf('two')).not.toContain('bees')
    expect((await chat.call('PUT', '/instructions', { about_user: 'x'.repeat(3001) })).status).toBe(400)
  })
})
