import { expect, test } from 'vitest'
import { providerPresets } from './provider-presets.ts'

test('presets can be told apart, and their addresses and prices make sense', () => {
  const ids = providerPresets.map(preset => preset.id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { base_url, models } of providerPresets) {
    if (base_url) expect(new URL(base_url).href.replace(/\/$/, '')).toBe(base_url)
    for (const { prices, context_window } of models) {
      expect(context_window).toBeGreaterThan(0)
      for (const price of [prices?.input, prices?.output, prices?.cached ?? 0])
        if (price !== undefined) expect(Number.isInteger(price)).toBe(true)
    }
  }
})
