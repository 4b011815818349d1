import { expect, test } from 'vitest'
import type { CachedPages } from '#api/chat.ts'
import type { Conversation } from '#api/types.ts'
import { listRows } from './list-rows.ts'
import { placeConversation, removeConversation } from './place-conversation.ts'

const conversation = (
  id: string,
  last_message_at: string,
  change: Partial<Conversation> = {},
): Conversation => ({
  id,
  title: id,
  bot_id: null,
  model: null,
  folder_id: null,
  is_archived: false,
  is_pinned: false,
  is_temporary: false,
  current_message_id: null,
  created_at: last_message_at,
  updated_at: last_message_at,
  last_message_at,
  ...change,
})
const at = (day: number, hour = 12) => new Date(2026, 10, day, hour).toISOString()
const pagesOf = (...pages: Conversation[][]) => ({
  pages: pages.map((items, index) => ({ items, next_cursor: index < pages.length - 1 ? 'next' : null })),
  pageParams: pages.map(() => null),
})
const shape = (data: CachedPages<Conversation>) => data.pages.map(page => page.items.map(each => each.id))

const [a, b, c] = [conversation('a', at(21)), conversation('b', at(20)), conversation('c', at(19))]

test('a conversation goes to its place, whichever page that is', () => {
  const data = pagesOf([a, b], [c])
  expect(shape(placeConversation(data, { ...c, last_message_at: at(22) }, {}))).toEqual([['c', 'a', 'b'], []])
  expect(shape(placeConversation(data, { ...b, is_pinned: true }, {}))).toEqual([['b', 'a'], ['c']])
  expect(shape(placeConversation(data, conversation('d', at(18)), {}))).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
})

test('it leaves lists that it does not belong to', () => {
  const data = pagesOf([a, b])
  expect(shape(placeConversation(data, { ...a, is_archived: true }, {}))).toEqual([['b']])
  expect(shape(placeConversation(data, { ...a, is_archived: true }, { archived: true }))).toEqual([
    ['a', 'b'],
  ])
  expect(shape(placeConversation(data, conversation('t', at(22), { is_temporary: true }), {}))).toEqual([
    ['a', 'b'],
  ])
  expect(shape(placeConversation(data, { ...a, folder_id: 'g' }, { folder_id: 'f' }))).toEqual([['b']])
  expect(shape(removeConversation(data, 'a'))).toEqual([['b']])
})

test('behind what is read it waits for its page', () => {
  const data = { ...pagesOf([a, b]), pages: [{ items: [a, b], next_cursor: 'next' }] }
  expect(shape(placeConversation(data, conversation('z', at(1)), {}))).toEqual([['a', 'b']])
})

test('rows are grouped: pinned, folders, then days', () => {
  const rows = listRows(
    [
      conversation('p', at(1), { is_pinned: true }),
      conversation('now', at(21, 9)),
      conversation('y', at(20, 23)),
      conversation('w', at(15)),
      conversation('f', at(21), { folder_id: 'folder' }),
      conversation('g', at(21), { folder_id: 'gone' }),
    ],
    [{ id: 'folder', name: 'Folder', position: 0 }],
    new Set(['folder']),
    new Date(2026, 10, 21, 18).getTime(),
  )
  expect(rows.map(row => row.key)).toEqual([
    ...['group pinned', 'p', 'folders', 'folder', 'body folder'],
    ...['group today', 'now', 'g', 'group yesterday', 'y', 'group week', 'w'],
  ])
})
