import { expect, test } from 'vitest'
import type { UsageRow } from '#api/types.ts'
import { completeRows, totalOf } from './usage-rows.ts'

const row = (key: string, cost_micros: number): UsageRow => ({
  key,
  label: null,
  requests: 1,
  prompt_tokens: 2,
  completion_tokens: 3,
  cached_tokens: 0,
  cost_micros,
})

test('days without use are there with zeros, over the end of a month', () => {
  const rows = completeRows([row('2026-10-31', 5)], { by: 'day', from: '2026-10-30', to: '2026-11-01' })
  expect(rows.map(({ key, cost_micros }) => [key, cost_micros])).toEqual([
    ['2026-10-30', 0],
    ['2026-10-31', 5],
    ['2026-11-01', 0],
  ])
})

test('models come with the dearest first, and are summed', () => {
  const rows = completeRows([row('cheap', 1), row('dear', 9)], { by: 'model', from: '', to: '' })
  expect(rows.map(({ key }) => key)).toEqual(['dear', 'cheap'])
  expect(totalOf(rows)).toMatchObject({ requests: 2, cost_micros: 10, completion_tokens: 6 })
})
