import { expect, test } from 'vitest'
import type { Filter, Rule } from './rule.ts'
import { checkRule } from './rule-check.ts'

const complaintsOf = (filter: Filter) => {
  const rule: Rule = {
    match: 'all',
    conditions: [{ type: 'count', event: 'chat.message.posted', filters: [filter], window: { unit: 'all' } }],
    tiers: [{ tier: 'bronze', goals: [1], points: 0, rewards: { membership: null } }],
  }
  return checkRule(rule, { self: null, of: () => null }).map(({ pointer, detail }) => [pointer, detail])
}

test('a filter that lacks its value is told apart from one whose value cannot be', () => {
  const pointer = '/rule/conditions/0/filters/0/values'
  expect(complaintsOf({ field: 'conversation_id', op: 'is', values: [] })).toEqual([
    [pointer, expect.objectContaining({ en: 'Say which value it is compared with.' })],
  ])
  expect(complaintsOf({ field: 'conversation_id', op: 'at_least', values: [3] })).toEqual([
    [pointer, expect.objectContaining({ en: expect.stringMatching(/^Give one number/) })],
  ])
  expect(complaintsOf({ field: 'conversation_id', op: 'is', values: ['x'] })).toEqual([])
})
