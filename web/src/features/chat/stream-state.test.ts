import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Message } from '#api/types.ts'
import {
  type Delta,
  emptyThread,
  joinPiece,
  type Pending,
  reduceThread,
  shownMessages,
  type Thread,
} from './stream-state.ts'

const message = (id: string, change: Partial<Message> = {}): Message => ({
  id,
  conversation_id: 'c',
  parent_id: null,
  role: 'assistant',
  content: '',
  reasoning: null,
  attachments: [],
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
  sibling_ids: [id],
  created_at: '2026-11-21T08:00:00.000Z',
  ...change,
})
const question = (id: string, parent_id: string | null, content = id) =>
  message(id, { role: 'user', parent_id, content })
const streaming = (id: string, parent_id: string, content = '') =>
  message(id, { parent_id, content, status: 'streaming' })
const delta = (message_id: string, content_offset: number, content: string): Delta => ({
  type: 'message.delta',
  message_id,
  content_offset,
  content,
  reasoning_offset: 0,
})
const pending = (client_message_id: string, change: Partial<Pending> = {}): Pending => ({
  client_message_id,
  content: 'hello',
  attachments: [],
  created_at: '2026-11-21T08:00:00.000Z',
  failure: null,
  ...change,
})
const threadOf = (...messages: Message[]): Thread => ({ ...emptyThread(), messages })
const ids = (thread: Thread) => thread.messages.map(each => each.id)
const page = (...oldestFirst: Message[]) => ({ items: oldestFirst.toReversed(), next_cursor: null })

test('pieces are appended, overlaps skipped, gaps told', () => {
  expect(joinPiece('ab', 2, 'cd')).toBe('abcd')
  expect(joinPiece('abc', 1, 'bcd')).toBe('abcd')
  expect(joinPiece('abcd', 1, 'bc')).toBe('abcd')
  expect(joinPiece('ab', 3, 'd')).toBeNull()
})

test('whatever is repeated or overlaps, the text comes out whole', () => {
  const cuts = fc.array(fc.tuple(fc.nat(200), fc.nat(30)), { maxLength: 60 })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), cuts, (text, pieces) => {
      let thread = threadOf(question('q', null), streaming('a', 'q'))
      const send = (from: number, to: number) => {
        thread = reduceThread(thread, delta('a', from, text.slice(from, to)))
      }
      for (const [from, length] of pieces) {
        const known = thread.messages[1]?.content.length ?? 0
        // Never beyond what is known, so that no gap opens.
        const start = Math.min(from, known)
        send(start, Math.min(text.length, start + length))
        expect(text.startsWith(thread.messages[1]?.content ?? 'x')).toBe(true)
      }
      send(0, text.length)
      expect(thread.messages[1]?.content).toBe(text)
    }),
  )
})

test('over a gap pieces wait until the message has been read again', () => {
  let thread = threadOf(question('q', null), streaming('a', 'q', '0123'))
  thread = reduceThread(thread, delta('a', 6, '67'))
  thread = reduceThread(thread, delta('a', 8, '89'))
  expect(thread.messages[1]?.content).toBe('0123')
  expect(Object.keys(thread.waiting)).toEqual(['a'])
  thread = reduceThread(thread, { type: 'message.read', message: streaming('a', 'q', '0123456') })
  expect(thread.messages[1]?.content).toBe('0123456789')
  expect(thread.waiting).toEqual({})
})

test('what was read later than what is known live does not set it back', () => {
  const done = message('a', { parent_id: 'q', content: 'all of it', finish_reason: 'stop' })
  const thread = threadOf(question('q', null), done)
  const stale = streaming('a', 'q', 'all')
  expect(reduceThread(thread, { type: 'message.read', message: stale }).messages[1]).toBe(done)
  expect(
    reduceThread(thread, { type: 'newest.read', page: page(question('q', null), stale) }).messages[1],
  ).toBe(done)
})

test('an answer that was cut off can be written on', () => {
  const cut = message('a', { parent_id: 'q', content: 'half', status: 'interrupted' })
  let thread = threadOf(question('q', null), cut)
  thread = reduceThread(thread, { type: 'message.created', message: { ...cut, status: 'streaming' } })
  thread = reduceThread(thread, delta('a', 4, ' and half'))
  expect(thread.messages[1]).toMatchObject({ status: 'streaming', content: 'half and half' })
})

test('one’s own question replaces the one on its way, whichever comes first', () => {
  const q = question('q', null, 'hello')
  const a = streaming('a', 'q')
  const begun = reduceThread(emptyThread(), { type: 'send.begun', pending: pending('client') })
  const answered = {
    type: 'send.done',
    client_message_id: 'client',
    user_message: q,
    assistant_message: a,
  } as const
  const live = [q, a].map(each => ({ type: 'message.created', message: each }) as const)

  const liveFirst = [...live, delta('a', 0, 'Hi'), answered].reduce(reduceThread, begun)
  const responseFirst = [answered, ...live, delta('a', 0, 'Hi')].reduce(reduceThread, begun)
  for (const thread of [liveFirst, responseFirst]) {
    expect(ids(thread)).toEqual(['q', 'a'])
    expect(thread.pending).toEqual([])
    expect(thread.keys).toEqual({ q: 'client' })
    expect(thread.messages[1]?.content).toBe('Hi')
  }
})

test('a fast answer is not set back to streaming by the late response to its question', () => {
  const done = message('a', { parent_id: 'q', content: 'Hi' })
  const thread = reduceThread(threadOf(question('q', null, 'hello'), done), {
    type: 'send.done',
    client_message_id: 'client',
    user_message: question('q', null, 'hello'),
    assistant_message: streaming('a', 'q'),
  })
  expect(thread.messages[1]).toBe(done)
})

test('an edited question hides what it replaces, and takes its place', () => {
  const before = threadOf(
    question('q1', null),
    message('a1', { parent_id: 'q1' }),
    question('q2', 'a1'),
    message('a2', { parent_id: 'q2' }),
  )
  const edit = pending('client', { parent_id: 'a1' })
  const editing = reduceThread(before, { type: 'send.begun', pending: edit })
  expect(shownMessages(editing).map(each => each.id)).toEqual(['q1', 'a1'])
  const after = reduceThread(editing, { type: 'message.created', message: question('q3', 'a1', 'hello') })
  expect(ids(after)).toEqual(['q1', 'a1', 'q3'])
  const failed = reduceThread(editing, { type: 'send.dropped', client_message_id: 'client' })
  expect(shownMessages(failed)).toHaveLength(4)
})

test('another answer takes the place of the first; another first question that of all', () => {
  const before = threadOf(question('q', null), message('a', { parent_id: 'q' }))
  expect(ids(reduceThread(before, { type: 'message.created', message: streaming('b', 'q') }))).toEqual([
    'q',
    'b',
  ])
  expect(ids(reduceThread(before, { type: 'message.created', message: question('p', null) }))).toEqual(['p'])
})

test('news of a branch that is not shown change nothing, or ask to read again', () => {
  const thread = threadOf(question('q', null), message('a', { parent_id: 'q' }))
  expect(reduceThread(thread, delta('x', 0, 'text'))).toBe(thread)
  expect(
    reduceThread(thread, { type: 'message.completed', message: message('x', { parent_id: 'y' }) }).messages,
  ).toBe(thread.messages)
  expect(reduceThread(thread, { type: 'message.created', message: question('x', 'y') }).isStale).toBe(true)
})

test('a failed question stays, is sent again under its id, and can be given up', () => {
  const failure = { code: 'network.failed', status: 0, detail: '' }
  let thread = reduceThread(emptyThread(), { type: 'send.begun', pending: pending('client') })
  thread = reduceThread(thread, { type: 'send.failed', client_message_id: 'client', failure })
  expect(thread.pending[0]?.failure).toBe(failure)
  thread = reduceThread(thread, { type: 'send.begun', pending: pending('client') })
  expect(thread.pending).toMatchObject([{ client_message_id: 'client', failure: null }])
  expect(reduceThread(thread, { type: 'send.dropped', client_message_id: 'client' }).pending).toEqual([])
})

test('the newest page joins what is known, and replaces another branch', () => {
  const [q1, a1] = [question('q1', null), message('a1', { parent_id: 'q1' })]
  const [q2, a2] = [question('q2', 'a1'), message('a2', { parent_id: 'q2' })]
  const known = { ...threadOf(q1, a1, q2), older: 'before' }
  const joined = reduceThread(known, { type: 'newest.read', page: { items: [a2, q2], next_cursor: 'more' } })
  expect(ids(joined)).toEqual(['q1', 'a1', 'q2', 'a2'])
  expect(joined.older).toBe('before')
  const other = page(question('x', 'w'), message('y', { parent_id: 'x' }))
  expect(ids(reduceThread(known, { type: 'newest.read', page: other }))).toEqual(['x', 'y'])
})

test('a page that was read before the newest question came does not take it away', () => {
  const [q1, a1] = [question('q1', null), message('a1', { parent_id: 'q1' })]
  const [q2, a2] = [question('q2', 'a1'), streaming('a2', 'q2', 'text')]
  const known = threadOf(q1, a1, q2, a2)
  expect(ids(reduceThread(known, { type: 'newest.read', page: page(q1, a1) }))).toEqual([
    'q1',
    'a1',
    'q2',
    'a2',
  ])
  expect(ids(reduceThread(known, { type: 'newest.read', page: page() }))).toEqual(['q1', 'a1', 'q2', 'a2'])
})

test('older pages go in front, unless the branch has changed meanwhile', () => {
  const known = threadOf(question('q2', 'a1'))
  const older = page(question('q1', null), message('a1', { parent_id: 'q1' }))
  expect(ids(reduceThread(known, { type: 'older.read', page: older }))).toEqual(['q1', 'a1', 'q2'])
  expect(
    reduceThread(threadOf(question('x', 'z')), { type: 'older.read', page: older }).messages,
  ).toHaveLength(1)
})
