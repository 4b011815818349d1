import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { png, textPdf } from '../attachment-samples.ts'
import type { Attachment, Conversation, Message } from '../contract.ts'
import type { SearchHit } from '../search.ts'
import { type ChatApp, signUpForChat, startChatApp } from '../testing.ts'
import type { FileConversation, FileMessage } from './format.ts'
import type { ImportResult } from './import.ts'

let app: ChatApp
beforeAll(async () => {
  app = await startChatApp()
})
afterAll(() => app.stop())

type User = Awaited<ReturnType<typeof signUpForChat>>
type List<T> = { items: T[]; next_cursor: string | null }
type File = { format: string; version: number; bots: { id: string }[]; conversations: FileConversation[] }

async function importFile({ headers }: User, content: string | Uint8Array<ArrayBuffer>) {
  const form = new FormData()
  form.append('file', new Blob([content]), 'conversations.json')
  const response = await app.fetch('/api/v1/chat/imports', { method: 'POST', headers, body: form })
  return { status: response.status, body: (await response.json()) as ImportResult & { code: string } }
}

async function exported({ headers }: User, path = '/export'): Promise<File> {
  const response = await app.fetch(`/api/v1/chat${path}`, { headers })
  expect(response.status).toBe(200)
  return (await response.json()) as File
}

const fileOf = (conversations: unknown[], more: object = {}) =>
  JSON.stringify({ format: 'banyan.chat', version: 1, bots: [], ...more, conversations })

/** The same, without the ids that an import gives anew. */
function withoutIds({ bots, conversations }: File) {
  const botAt = new Map(bots.map((bot, at) => [bot.id, at]))
  return {
    bots: bots.map(bot => ({ ...bot, id: null })),
    conversations: conversations.map(conversation => {
      const at = new Map(conversation.messages.map((message, index) => [message.id, index]))
      return {
        ...conversation,
        bot_id: botAt.get(conversation.bot_id ?? '') ?? null,
        current_message_id: at.get(conversation.current_message_id ?? '') ?? null,
        messages: conversation.messages.map(message => ({
          ...message,
          id: null,
          parent_id: at.get(message.parent_id ?? '') ?? null,
        })),
      }
    }),
  }
}

const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter(value => !value.includes('\0'))
const count = fc.option(fc.nat(2_000_000_000))
const time = fc
  .date({ min: new Date('2001-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
  .map(date => date.toISOString())
const attachment = fc.constantFrom(
  { name: 'p.png', media_type: 'image/png', kind: 'image' as const, bytes: png, text: null },
  {
    name: '笔记.md',
    media_type: 'text/markdown',
    kind: 'text' as const,
    bytes: Buffer.from('# 好'),
    text: null,
  },
  { name: 'a.pdf', media_type: 'application/pdf', kind: 'pdf' as const, bytes: textPdf('Hi'), text: 'Hi' },
)
const message = fc.record({
  role: fc.constantFrom('user' as const, 'assistant' as const),
  content: text,
  reasoning: fc.option(text),
  status: fc.constantFrom('done' as const, 'stopped' as const, 'interrupted' as const, 'failed' as const),
  model: fc.option(text),
  finish_reason: fc.option(text),
  tokens_used: count,
  prompt_tokens: count,
  completion_tokens: count,
  usage_source: fc.option(text),
  cost_micros: fc.option(fc.maxSafeNat()),
  latency_ms: count,
  first_token_ms: count,
  error_code: fc.option(text),
  error_detail: fc.option(text),
  created_at: time,
  attachments: fc.array(attachment, { maxLength: 2 }),
  /** Which message before it, or one of the first ones. */
  above: fc.nat(),
})
const conversation = fc.record({
  fields: fc.record({
    title: text.filter(value => value !== ''),
    model: fc.constantFrom(null, 'fake-1'),
    folder: fc.constantFrom(null, 'Work', '家'),
    is_archived: fc.boolean(),
    is_pinned: fc.boolean(),
    created_at: time,
    updated_at: time,
    last_message_at: time,
  }),
  messages: fc.array(message, { maxLength: 12 }),
  /** Which message is shown. */
  leaf: fc.nat(),
})
type Given = typeof conversation extends fc.Arbitrary<infer T> ? T : never

const asFile = ({ messages, leaf, fields }: Given, source_id: string): FileConversation => ({
  ...fields,
  source_id,
  bot_id: null,
  current_message_id: messages.length > 0 ? `m${leaf % messages.length}` : null,
  messages: messages.map(({ above, attachments, ...rest }, at) => {
    const parent = above % (at + 1)
    return {
      ...rest,
      id: `m${at}`,
      parent_id: parent === at ? null : `m${parent}`,
      attachments: attachments.map(({ bytes, ...file }) => ({
        ...file,
        size: bytes.length,
        content_base64: bytes.toString('base64'),
      })),
    }
  }),
})

describe('our own format', () => {
  test('export → import → export gives the same, ids aside', async () => {
    const property = fc.asyncProperty(fc.array(conversation, { minLength: 1, maxLength: 4 }), async given => {
      const [first, second] = [await signUpForChat(app), await signUpForChat(app)]
      const written = given.map((one, at) => asFile(one, `test:${at}`))
      const result = await importFile(first, fileOf(written))
      expect(result).toMatchObject({ status: 200, body: { conversations: given.length, skipped: [] } })
      const once = await exported(first)
      expect(withoutIds(once).conversations).toEqual(
        withoutIds({ ...once, conversations: written }).conversations,
      )
      await importFile(second, JSON.stringify(once))
      expect(withoutIds(await exported(second))).toEqual(withoutIds(once))
    })
    await fc.assert(property, { numRuns: 10 })
  }, 120_000)

  test('holds every branch of a real conversation, its bot and its files, and comes in once', async () => {
    const user = await signUpForChat(app)
    const { chat, headers } = user
    const form = new FormData()
    form.append('file', new Blob(['some data']), 'data.txt')
    const uploaded = await app.fetch('/api/v1/chat/attachments', { method: 'POST', headers, body: form })
    const file = (await uploaded.json()) as Attachment
    const bot = await chat.call<{ id: string }>('POST', '/bots', { name: 'B', system_prompt: 'Be brief.' })
    const { id } = await chat.begin({ title: '榕树', bot_id: bot.body.id })
    const asked = (await chat.send(id, 'first', { attachment_ids: [file.id] })).body
    await chat.ended(asked.assistant_message.id)
    await chat.ended((await chat.send(id, 'edited', { parent_id: null })).body.assistant_message.id)
    const one = await exported(user, `/conversations/${id}/export?format=json`)
    expect(one.conversations[0]?.messages.map(({ content }) => content)).toEqual([
      'first',
      'Hello from the fake.',
      'edited',
      'Hello from the fake.',
    ])
    expect((await importFile(user, JSON.stringify(one))).body).toMatchObject({
      conversations: 0,
      skipped: [{ title: '榕树', reason: 'It is here already.' }],
    })

    const other = await signUpForChat(app)
    for (const conversations of [1, 0])
      expect((await importFile(other, JSON.stringify(one))).body.conversations).toBe(conversations)
    expect(withoutIds(await exported(other))).toEqual(withoutIds(one))
    const hits = (await other.chat.call<List<SearchHit>>('GET', '/search?q=edited')).body.items
    expect(hits.map(hit => hit.message?.content)).toEqual(['edited'])
    const [here] = (await other.chat.call<List<Conversation>>('GET', '/conversations')).body.items
    const sent = await other.chat.send(here?.id ?? '', 'and now?')
    expect((await other.chat.ended(sent.body.assistant_message.id)).status).toBe('done')

    await other.chat.call('DELETE', `/conversations/${here?.id}`)
    expect((await importFile(other, JSON.stringify(one))).body.conversations).toBe(1)
    expect((await other.chat.call('POST', `/conversations/${here?.id}/restore`)).status).toBe(200)
  })

  test('comes as the body itself, too', async () => {
    const { chat } = await signUpForChat(app)
    const file: unknown = JSON.parse(fileOf([{ ...bare, title: 'as a body' }]))
    const { status, body } = await chat.call<ImportResult>('POST', '/imports', file as object)
    expect([status, body]).toEqual([200, { conversations: 1, messages: 0, skipped: [] }])
  })

  test('goes on past conversations that are wrong, and says which', async () => {
    const user = await signUpForChat(app)
    const said = { ...emptyMessage, id: 'a', content: 'hi' }
    const file = fileOf([
      { ...bare, source_id: 'good', title: 'good', messages: [said] },
      { ...bare, source_id: 'loop', title: 'loop', messages: [{ ...said, parent_id: 'a' }] },
      { ...bare, source_id: 'twice', title: 'twice', messages: [said, said] },
      { ...bare, source_id: 'short' },
      { title: 'other', hello: 1 },
      { ...bare, source_id: 'year', title: 'year', created_at: '0000-01-01T00:00:00Z', messages: [said] },
      7,
    ])
    const { status, body } = await importFile(user, file)
    expect([status, body.conversations, body.skipped.map(({ title }) => title)]).toEqual([
      200,
      2,
      ['loop', 'twice', '', 'other', ''],
    ])
    const cut = await importFile(user, fileOf([{ ...bare, source_id: 'x', title: 'x' }]).slice(0, -1))
    expect(cut.body).toMatchObject({ conversations: 1, skipped: [{ title: '' }] })
  })

  test('that brings nothing says so', async () => {
    const user = await signUpForChat(app)
    for (const nothing of [
      '{}',
      '[]',
      '',
      'rubbish',
      '[1,2]',
      '"x"',
      '{"conversations":[]}',
      '[{"mapping":{}}]',
    ]) {
      const { status, body } = await importFile(user, nothing)
      expect([nothing, status, body.code]).toEqual([nothing, 422, 'import.nothing_found'])
    }
    const newer = await importFile(user, fileOf([bare], { version: 2 }))
    expect([newer.status, newer.body.code]).toEqual([422, 'import.version_unknown'])
    const { headers } = user
    expect((await app.fetch('/api/v1/chat/imports', { method: 'POST', headers })).status).toBe(415)
  })

  test('of rubbish, or of a file with bytes changed, is never our fault', async () => {
    const user = await signUpForChat(app)
    const whole = Buffer.from(
      fileOf([{ ...bare, source_id: 's', title: 't', messages: [{ ...emptyMessage, content: '榕树' }] }]),
    )
    const changed = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map(changes => {
        const bytes = new Uint8Array(whole)
        for (const [at, byte] of changes) bytes[at] = byte
        return bytes
      })
    const content = fc.oneof(
      changed,
      fc.uint8Array().map(bytes => new Uint8Array(bytes)),
      fc.json(),
      fc.jsonValue().map(value => fileOf([value])),
      fc.jsonValue().map(value => JSON.stringify([{ mapping: { a: { message: value } } }])),
    )
    const property = fc.asyncProperty(content, async bytes => {
      expect((await importFile(user, bytes)).status).toBeLessThan(500)
    })
    await fc.assert(property, { numRuns: 300 })
  }, 120_000)
})

const moment = '2024-05-01T08:00:00.000Z'
const bare: FileConversation = {
  source_id: 'bare',
  title: null,
  bot_id: null,
  model: null,
  folder: null,
  is_archived: false,
  is_pinned: false,
  current_message_id: null,
  created_at: moment,
  updated_at: moment,
  last_message_at: moment,
  messages: [],
}
const emptyMessage: FileMessage = {
  id: 'm',
  parent_id: null,
  role: 'user',
  content: '',
  reasoning: null,
  status: 'done',
  model: null,
  finish_reason: null,
  tokens_used: null,
  prompt_tokens: null,
  completion_tokens: null,
  usage_source: null,
  cost_micros: null,
  latency_ms: null,
  first_token_ms: null,
  error_code: null,
  error_detail: null,
  created_at: moment,
  attachments: [],
}

describe('a conversation as Markdown', () => {
  test('is the branch that is shown, with front matter', async () => {
    const user = await signUpForChat(app)
    const said = (id: string, parent_id: string | null, role: 'user' | 'assistant', content: string) => ({
      ...emptyMessage,
      id,
      parent_id,
      role,
      content,
      model: role === 'assistant' ? 'fake-1' : null,
    })
    const messages = [
      said('q', null, 'user', 'Why "trees"?'),
      said('old', 'q', 'assistant', 'old answer'),
      said('new', 'q', 'assistant', '```js\n1\n```'),
    ]
    await importFile(user, fileOf([{ ...bare, title: 'A: "b"', messages, current_message_id: 'new' }]))
    const [{ id } = { id: '' }] = (await user.chat.call<List<Conversation>>('GET', '/conversations')).body
      .items
    const response = await app.fetch(`/api/v1/chat/conversations/${id}/export`, { headers: user.headers })
    expect(response.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
    expect(response.headers.get('content-disposition')).toContain("filename*=UTF-8''A%3A%20%22b%22.md")
    expect(await response.text()).toBe(
      [
        '---',
        'title: "A: \\"b\\""',
        'model: null',
        `created_at: "${moment}"`,
        `last_message_at: "${moment}"`,
        '---',
        '',
        '# A: "b"',
        '',
        `## User · ${moment}`,
        '',
        'Why "trees"?',
        '',
        `## Assistant (fake-1) · ${moment}`,
        '',
        '```js\n1\n```',
        '',
      ].join('\n'),
    )
    const stranger = await signUpForChat(app)
    for (const format of ['markdown', 'json'])
      expect((await stranger.chat.call('GET', `/conversations/${id}/export?format=${format}`)).status).toBe(
        404,
      )
  })
})

describe('ChatGPT’s export', () => {
  const node = (
    parent: string | null,
    children: string[],
    role?: string,
    content: object = {},
    more: object = {},
  ) => ({
    parent,
    children,
    message: role
      ? { author: { role }, create_time: 1_700_000_000.5, recipient: 'all', content, ...more }
      : null,
  })
  const say = (...parts: unknown[]) => ({ content_type: 'text', parts })
  const export_ = [
    {
      title: '花园',
      create_time: 1_700_000_000,
      update_time: 1_700_000_100,
      conversation_id: 'abc',
      current_node: 'a1',
      is_archived: false,
      moderation_results: [],
      mapping: {
        root: node(null, ['sys']),
        sys: node('root', ['q'], 'system', say(''), {
          metadata: { is_visually_hidden_from_conversation: true },
        }),
        q: node('sys', ['call', 'a2'], 'user', {
          content_type: 'multimodal_text',
          parts: [{ content_type: 'image_asset_pointer', asset_pointer: 'file-service://x' }, '这是什么树？'],
        }),
        call: node(
          'q',
          ['tool'],
          'assistant',
          { content_type: 'code', text: 'search("树")' },
          { recipient: 'web' },
        ),
        tool: node('call', ['a1'], 'tool', say('榕树是……')),
        a1: node('tool', [], 'assistant', say('榕树。'), { metadata: { model_slug: 'gpt-4o' } }),
        a2: node('q', ['q2'], 'assistant', say('是松树。')),
        q2: node('a2', [], 'user', say('真的？'), { metadata: { attachments: [{ name: 'leaf.pdf' }] } }),
      },
    },
    { title: 'empty', conversation_id: 'e', mapping: { root: node(null, []) } },
    {
      title: 'loop',
      conversation_id: 'l',
      mapping: { a: node('b', ['b'], 'user', say('x')), b: node('a', ['a']) },
    },
  ]

  test('comes in with its branches, their order and times; what was never shown does not', async () => {
    const user = await signUpForChat(app)
    const { status, body } = await importFile(user, JSON.stringify(export_))
    expect([status, body.conversations, body.messages]).toEqual([200, 1, 4])
    expect(body.skipped.map(({ title }) => title)).toEqual(['empty', 'loop'])
    const { chat } = user
    const [garden] = (await chat.call<List<Conversation>>('GET', '/conversations')).body.items
    expect(garden).toMatchObject({ title: '花园', created_at: '2023-11-14T22:13:20.000Z' })
    const path = `/conversations/${garden?.id}/messages`
    const shown = (await chat.call<List<Message>>('GET', path)).body.items
    expect(shown).toMatchObject([
      { role: 'assistant', content: '榕树。', model: 'gpt-4o', created_at: '2023-11-14T22:13:20.500Z' },
      { role: 'user', content: '[image_asset_pointer]\n\n这是什么树？', parent_id: null },
    ])
    const [other] = (shown[0]?.sibling_ids ?? []).slice(1)
    expect(shown[0]?.sibling_ids).toEqual([shown[0]?.id, other])
    await chat.call('PATCH', `/conversations/${garden?.id}`, { current_message_id: other })
    const branch = (await chat.call<List<Message>>('GET', path)).body.items
    expect(branch.map(({ content }) => content).slice(0, 2)).toEqual(['真的？\n\n[leaf.pdf]', '是松树。'])
    expect((await chat.call<List<SearchHit>>('GET', '/search?q=榕树')).body.items).toHaveLength(1)

    const again = await importFile(user, JSON.stringify(export_))
    expect([again.status, again.body.conversations]).toEqual([200, 0])
  })
})

test('a large account goes out and comes in piece by piece, and a text of nothing but different words can be stored', async () => {
  const user = await signUpForChat(app)
  const han = Array.from({ length: 300_000 }, (_, at) =>
    String.fromCharCode(0x4e00 + ((at * at + 7 * at * Math.floor(at / 1000)) % 19_997)),
  ).join('')
  const conversations = Array.from({ length: 250 }, (_, at) => ({
    ...bare,
    source_id: `s${at}`,
    title: `t${at}`,
    messages: Array.from({ length: 3 }, (_, index) => ({
      ...emptyMessage,
      id: `m${index}`,
      parent_id: index === 0 ? null : `m${index - 1}`,
      content: at === 0 ? han : 'x',
    })),
  }))
  const { body } = await importFile(user, fileOf(conversations))
  expect(body).toEqual({ conversations: 250, messages: 750, skipped: [] })
  const out = await exported(user)
  expect(withoutIds(out).conversations).toEqual(
    withoutIds({ ...out, conversations: conversations.map(one => ({ ...one, current_message_id: 'm2' })) })
      .conversations,
  )
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) FROM chat_conversation WHERE user_id = ${user.user.id}`.execute(app.core.db.primary)
  expect(rows[0]?.count).toBe(250)
})
