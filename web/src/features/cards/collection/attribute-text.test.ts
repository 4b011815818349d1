import { expect, test } from 'vitest'
import type { AttributeNode } from '#api/cards.ts'
import { attributeText, inOrder, type Words } from './attribute-text.ts'

const words: Words = { textOf: texts => texts.en, yes: 'yes', no: 'no' }
const colour: AttributeNode = {
  type: 'string',
  enum: ['r', 'g'],
  'x-enum-titles': { r: { 'zh-CN': '红', en: 'red' }, g: { 'zh-CN': '绿', en: 'green' } },
}
const schema: AttributeNode = {
  type: 'object',
  properties: {
    what: { type: 'string', 'x-titles': { 'zh-CN': '什么', en: 'What' } },
    is_loud: { type: 'boolean', title: 'Loud' },
    sound: { type: 'string', format: 'audio' },
    a: colour,
  },
}

test('lists and groups are words too', () => {
  expect(attributeText(['r', 'g', 'b'], { type: 'array', items: colour }, words)).toBe('red · green · b')
  const value = [{ is_loud: false, a: 'r', what: 'fish', sound: '0190-id' }, { what: 'milk' }]
  expect(attributeText(value, { type: 'array', items: schema }, words)).toBe(
    'What fish, Loud no, a red · What milk',
  )
  expect(attributeText({ any: { thing: [1, 2] } }, undefined, words)).toBe('any thing 1 · 2')
})

test('attributes stand in the order of their schema', () => {
  const names = inOrder({ gone: 1, a: 'r', what: 'fish' }, schema).map(({ name }) => name)
  expect(names).toEqual(['what', 'a', 'gone'])
})
