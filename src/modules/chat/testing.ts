import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { expect, vi } from 'vitest'
import { catalog } from '#catalog'
import type { ChatMessage } from '#core/ai/types.ts'
import { newId } from '#core/ids.ts'
import type { ModuleDefinition } from '#core/module.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { type FakeOpenaiScript, startFakeOpenai } from '#core/testing/fake-openai.ts'
import type { FakeServer, RecordedRequest } from '#core/testing/fake-server.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import type { Conversation, Message } from './contract.ts'
import { memoryStore } from './memory/store.ts'
import type { ChatTables } from './tables.ts'
import type { Started } from './turns.ts'

export type ChatApp = TestApp & { upstream: FakeServer }

/** Chat and what it stands on, for tests that need no other module. */
export async function chatModules(): Promise<ModuleDefinition[]> {
  const names = ['identity', 'notifications', 'billing', 'chat']
  const loaded = await Promise.all(names.map(name => catalog[name]?.()))
  return loaded.flatMap(module => module?.default ?? [])
}

/** A Banyan whose gateway leads to a fake model server. */
export async function startChatApp(
  options: {
    script?: FakeOpenaiScript
    settings?: Record<string, string>
    modules?: readonly ModuleDefinition[]
  } = {},
): Promise<ChatApp> {
  const upstream = await startFakeOpenai(options.script ? { script: options.script } : {})
  const app = await startTestApp({
    ...(options.modules ? { modules: options.modules } : {}),
    settings: {
      OPENAI_COMPATIBLE_URL: `${upstream.url}/v1`,
      OLLAMA_URL: 'off',
      AI_DEFAULT_MODEL: 'fake-1',
      ...options.settings,
    },
  })
  // The gateway asks the provider for its models in the background.
  await vi.waitFor(async () => expect((await app.core.ai.modelFor(newId())).id).toBe('fake-1'), 30_000)
  return {
    ...app,
    upstream,
    async stop() {
      await app.stop()
      await upstream.stop()
    },
  }
}

/** Titles, summaries, and what is worth remembering. */
const inBackground = /^(?:Give the conversation|Summarise the conversation|You keep notes)/

/** Whether a model is asked for an answer: what is asked in the background comes at any time, in later tests too. */
export const asksForAnswer = ({ path, body }: RecordedRequest): boolean =>
  path.endsWith('/chat/completions') &&
  !((body?.messages ?? []) as ChatMessage[]).some(
    ({ role, content }) => role === 'system' && inBackground.test(String(content)),
  )

export type Answer<T> = { status: number; body: T; headers: Headers }

/** A user's client: JSON in, JSON out. */
export function chatClient(app: Pick<TestApp, 'fetch'>, { headers }: Pick<TestUser, 'headers'>) {
  const base = '/api/v1/chat'
  async function call<T>(method: string, path: string, body?: object): Promise<Answer<T>> {
    const response = await app.fetch(base + path, {
      method,
      headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    return {
      status: response.status,
      body: (text === '' ? null : JSON.parse(text)) as T,
      headers: response.headers,
    }
  }
  return {
    call,
    async begin(input: object = {}): Promise<Conversation> {
      return (await call<Conversation>('POST', '/conversations', input)).body
    },
    send: (conversationId: string, content: string, more: object = {}) =>
      call<Started>('POST', `/conversations/${conversationId}/messages`, {
        client_message_id: newId(),
        content,
        ...more,
      }),
    async message(id: string): Promise<Message> {
      return (await call<Message>('GET', `/messages/${id}`)).body
    },
    /** Reads an answer's stream; `onBytes` may end it early by returning false. */
    stream: (id: string, init: { from?: string; lastEventId?: string; signal?: AbortSignal } = {}) =>
      app.fetch(`${base}/messages/${id}/stream${init.from === undefined ? '' : `?from=${init.from}`}`, {
        headers: { ...headers, ...(init.lastEventId ? { 'last-event-id': init.lastEventId } : {}) },
        ...(init.signal ? { signal: init.signal } : {}),
      }),
    /** Waits for the end of an answer. */
    async ended(id: string): Promise<Message> {
      const events = await readEvents(await this.stream(id))
      const last = events.at(-1)
      if (last?.event !== 'done') throw new Error(`The stream of ${id} ended with ${last?.event}`)
      return JSON.parse(last.data) as Message
    },
  }
}

export type ChatClient = ReturnType<typeof chatClient>

/** A fact that came from a message. Returns its id. */
export async function plantMemory(
  { core }: TestApp,
  user_id: string,
  message_id: string,
  content: string,
): Promise<string> {
  const db = core.db.withTables<ChatTables>()
  const { conversation_id, bot_id } = await db.primary
    .selectFrom('chat_message as m')
    .innerJoin('chat_conversation as c', 'c.id', 'm.conversation_id')
    .select(['m.conversation_id', 'c.bot_id'])
    .where('m.id', '=', message_id)
    .executeTakeFirstOrThrow()
  const id = newId()
  await memoryStore.insert(db.primary, { id, user_id, bot_id, conversation_id, message_id, content })
  return id
}

export const signUpForChat = async (app: ChatApp) => {
  const user = await signUp(app)
  return { ...user, chat: chatClient(app, user) }
}

/** All events of a stream that ends by itself. */
export async function readEvents(response: Response): Promise<EventSourceMessage[]> {
  return parseEvents(await response.text())
}

export function parseEvents(text: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = []
  const parser = createParser({ onEvent: event => events.push(event) })
  parser.feed(text)
  return events
}
