import { expect, test } from 'vitest'
import { loadConfig } from '#core/config.ts'
import { createPricing, type ModelInfo } from './catalogue.ts'
import { offline } from './catalogue-sources.ts'
import { aiSettings } from './settings.ts'
import type { Usage } from './types.ts'

const { costOf, knows } = createPricing(loadConfig(aiSettings, { env: { AI_ASSUMED_PRICE: '20' } }).values)
const model = (more: Partial<ModelInfo>): ModelInfo => ({ ...offline.model, is_self_hosted: false, ...more })
const usage = (prompt_tokens: number, completion_tokens: number, cached_tokens?: number): Usage => ({
  prompt_tokens,
  completion_tokens,
  ...(cached_tokens === undefined ? {} : { cached_tokens }),
  source: 'upstream',
})
const million = 1_000_000

test('prices are hundredths per million tokens, cost is millionths, rounded up', () => {
  // 2 yuan in, 8 yuan out.
  const priced = model({ input_price: 200, output_price: 800, cached_price: 50 })
  expect(costOf(priced, usage(million, million))).toBe(10 * million)
  expect(costOf(priced, usage(million, 0, million))).toBe(million / 2)
  expect(costOf(priced, usage(7, 5))).toBe(54)
  expect(costOf(model({ input_price: 10, output_price: 0 }), usage(1, 0))).toBe(1)
  expect(costOf(priced, usage(0, 0))).toBe(0)
})

test('cached tokens without a price of their own cost what the others do, and are never more than the prompt', () => {
  const priced = model({ input_price: 200, output_price: 800, cached_price: null })
  expect(costOf(priced, usage(100, 0, 60))).toBe(200)
  expect(costOf({ ...priced, cached_price: 0 }, usage(100, 0, 500))).toBe(0)
})

test('other currencies are converted', () => {
  const dollars = model({ input_price: 100, output_price: 100, cached_price: null, currency: 'USD' })
  expect(costOf(dollars, usage(million, 0))).toBe(7.2 * million)
  expect([knows('CNY'), knows('USD'), knows('EUR')]).toEqual([true, true, false])
})

test('a price that nobody knows is assumed at a service, and nothing at home', () => {
  const unknown = { input_price: null, output_price: null, cached_price: null }
  expect(costOf(model(unknown), usage(million, million))).toBe(40 * million)
  expect(costOf(model({ ...unknown, is_self_hosted: true }), usage(million, million))).toBe(0)
})
