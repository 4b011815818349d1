import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import type { FakeStep } from '#core/testing/fake-openai.ts'
import type { Message } from './contract.ts'
import { followMessage } from './follow-message.ts'
import type { ConversationNews } from './live.ts'
import { messageStore } from './message-store.ts'
import type { ChatTables } from './tables.ts'
import { type ChatApp, type ChatClient, parseEvents, signUpForChat, startChatApp } from './testing.ts'

const thought = '先想一想🤔。Then think on.'
const said = '你好，世界！👋🏽 Family: 👨‍👩‍👧 𠮷野家 — naïve café. '.repeat(3)

/** One UTF-16 unit a step, so that pairs arrive in halves too. */
const unitSteps = (text: string, kind: 'text' | 'reasoning'): FakeStep[] =>
  text.split('').map(unit => (kind === 'text' ? { text: unit } : { reasoning: unit }))

const script = () => ({
  steps: [...unitSteps(thought, 'reasoning'), ...unitSteps(said, 'text'), { finish: 'stop' }],
  pace: 3,
})

let app: ChatApp
let chat: ChatClient
let user: Awaited<ReturnType<typeof signUpForChat>>
beforeAll(async () => {
  app = await startChatApp({ script })
  user = await signUpForChat(app)
  chat = user.chat
})
afterAll(() => app.stop())

type Gathered = { content: string; reasoning: string; lastId: string; done: Message | null }
const nothing = (): Gathered => ({ content: '', reasoning: '', lastId: '', done: null })

/** Applies the whole events of some bytes as a client does: by absolute offsets. */
function gather(state: Gathered, bytes: Uint8Array): Gathered {
  for (const { event, data, id } of parseEvents(new TextDecoder().decode(bytes))) {
    const parsed = JSON.parse(data)
    if (event === 'done') state.done = parsed
    if (event !== 'delta') continue
    expect(parsed.content_offset).toBeLessThanOrEqual(state.content.length)
    expect(parsed.reasoning_offset).toBeLessThanOrEqual(state.reasoning.length)
    expect((parsed.content + parsed.reasoning).isWellFormed()).toBe(true)
    state.content = state.content.slice(0, parsed.content_offset) + parsed.content
    state.reasoning = state.reasoning.slice(0, parsed.reasoning_offset) + parsed.reasoning
    state.lastId = id ?? ''
  }
  return state
}

/** Reads at most so many bytes of a response, then hangs up. */
async function read(response: Response, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= most) break
  }
  return Buffer.concat(chunks).subarray(0, most)
}

async function ask(): Promise<string> {
  const { id } = await chat.begin({ title: 'stream' })
  return (await chat.send(id, 'Say it')).body.assistant_message.id
}

test('resumed after a cut at every byte, the text is exact', async () => {
  const id = await ask()
  const whole = await read(await chat.stream(id), Number.POSITIVE_INFINITY)
  expect(gather(nothing(), whole)).toMatchObject({ content: said, reasoning: thought })
  for (let cut = 0; cut < whole.length; cut++) {
    const before = gather(nothing(), whole.subarray(0, cut))
    const rest = await chat.stream(id, { lastEventId: before.lastId })
    const after = gather(before, await read(rest, Number.POSITIVE_INFINITY))
    if (after.content !== said || after.reasoning !== thought || !after.done)
      expect({ cut, ...after }).toEqual({ content: said, reasoning: thought })
  }
}, 300_000)

test('readers that are cut again and again while it is written get the exact text', async () => {
  const id = await ask()
  const reader = async (stride: number) => {
    const state = nothing()
    for (let bytes = stride; !state.done; bytes += stride)
      gather(state, await read(await chat.stream(id, { lastEventId: state.lastId }), bytes))
    return state
  }
  const states = await Promise.all(Array.from({ length: 40 }, (_, i) => reader(97 + 13 * i)))
  for (const { content, reasoning } of states)
    expect({ content, reasoning }).toEqual({ content: said, reasoning: thought })
})

test('it can be read from every offset, those inside a character included', async () => {
  const id = await ask()
  await chat.ended(id)
  for (let offset = 0; offset <= said.length + 1; offset++) {
    const from = `c${offset}.r${thought.length}`
    const state = { ...nothing(), content: said.slice(0, offset), reasoning: thought }
    gather(state, await read(await chat.stream(id, { from }), Number.POSITIVE_INFINITY))
    expect({ offset, content: state.content }).toEqual({ offset, content: said })
  }
})

test('a process that does not write the answer itself reads it whole, too', async () => {
  const id = await ask()
  const { conversation_id } = await chat.message(id)
  const db = app.core.db.withTables<ChatTables>()
  const follow = async (delay: number) => {
    await pause(delay)
    const text = { content: '', reasoning: '' }
    for await (const step of followMessage({
      realtime: app.core.realtime,
      // The stored text only, which lags behind what is published.
      read: async () => (await messageStore.find(db.primary, user.user.id, id)) as Message,
      conversation_id,
      message_id: id,
      from: { content: 0, reasoning: 0 },
      signal: AbortSignal.timeout(60_000),
    })) {
      if (step.type === 'done') continue
      expect([step.content_offset, step.reasoning_offset]).toEqual([
        text.content.length,
        text.reasoning.length,
      ])
      text.content += step.content
      text.reasoning += step.reasoning
    }
    return text
  }
  const texts = await Promise.all(Array.from({ length: 20 }, (_, i) => follow(i * 20)))
  for (const text of texts) expect(text).toEqual({ content: said, reasoning: thought })
})

/** A device: what it hears on a conversation's channel. */
async function openDevice(token: string, channel: string) {
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/api/v1/realtime/ws?token=${token}`)
  const heard: ConversationNews[] = []
  const answer = Promise.withResolvers<string>()
  socket.on('message', data => {
    const frame = JSON.parse(String(data))
    if (frame.type === 'messages')
      heard.push(...frame.items.map((item: { data: ConversationNews }) => item.data))
    else answer.resolve(frame.type)
  })
  socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', channel })))
  return { heard, subscribed: await answer.promise, close: () => socket.close() }
}

test('two devices see the same conversation live; a stranger sees nothing', async () => {
  const { id } = await chat.begin({ title: 'two devices' })
  const channel = `chat.conversation.${id}`
  const devices = await Promise.all([1, 2].map(() => openDevice(user.access_token, channel)))
  const stranger = await openDevice((await signUpForChat(app)).access_token, channel)
  expect(devices.map(device => device.subscribed)).toEqual(['subscribed', 'subscribed'])
  expect(stranger.subscribed).toBe('error')
  const { body } = await chat.send(id, 'Say it')
  await expect
    .poll(() => devices.map(({ heard }) => heard.some(news => news.type === 'message.completed')), {
      timeout: 30_000,
    })
    .toEqual([true, true])
  for (const { heard } of devices) {
    const created = heard.flatMap(news => (news.type === 'message.created' ? news.message.id : []))
    expect(created).toEqual([body.user_message.id, body.assistant_message.id])
    const deltas = heard.filter(news => news.type === 'message.delta')
    expect(deltas.map(delta => delta.content ?? '').join('')).toBe(said)
    expect(deltas.map(delta => delta.reasoning ?? '').join('')).toBe(thought)
  }
  expect(stranger.heard).toEqual([])
  for (const device of [...devices, stranger]) device.close()
})
