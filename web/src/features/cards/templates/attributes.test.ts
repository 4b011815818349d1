import { expect, test } from 'vitest'
import type { AttributeNode } from '#api/cards.ts'
import { isEmpty, withoutEmpty } from './attributes.ts'

const owner: AttributeNode = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }

const dog = (required: string[]): AttributeNode => ({ type: 'object', properties: { owner }, required })

test.each<[string, unknown, unknown]>([
  ['an empty text', { a: '', b: 'x' }, { b: 'x' }],
  ['a field that was emptied', { a: null, b: 0, c: false }, { b: 0, c: false }],
  ['an empty list, and what is empty in one', { a: [], b: ['', 'x'] }, { b: ['x'] }],
  ['a group that may be left out', { owner: { name: '' } }, {}],
])('%s is not sent', (_, value, sent) => {
  expect(withoutEmpty(value, dog([]))).toEqual(sent)
})

test('a group that has to be there is sent, so that the complaint is about what it lacks', () => {
  expect(withoutEmpty({ owner: { name: '' } }, dog(['owner']))).toEqual({ owner: {} })
})

test('a group is empty until something in it is filled in', () => {
  expect([undefined, { name: '' }, { list: [''], group: { a: null } }].map(isEmpty)).toEqual([
    true,
    true,
    true,
  ])
  expect([{ name: 'x' }, { age: 0 }, { tame: false }].map(isEmpty)).toEqual([false, false, false])
})
