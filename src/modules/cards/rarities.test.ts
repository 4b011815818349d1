import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rarities } from './contract.ts'
import { rarityShares, splitByRarity } from './rarities.ts'

test('the shares of the rarities add up', () => {
  expect(rarityShares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
})

test('a split adds up, gives the rarer no more, and everybody one where it can', () => {
  const templates = fc.array(fc.record({ rarity: fc.constantFrom(...rarities) }), {
    minLength: 1,
    maxLength: 40,
  })
  fc.assert(
    fc.property(templates, fc.integer({ min: 1, max: 1_000_000 }), (all, quantity) => {
      const parts = splitByRarity(all, quantity)
      expect(parts.reduce((sum, part) => sum + part.quantity, 0)).toBe(quantity)
      if (quantity >= all.length) expect(Math.min(...parts.map(part => part.quantity))).toBeGreaterThan(0)
      for (const [at, rarity] of rarities.entries()) {
        const rarer = parts.filter(part => rarities.indexOf(part.template.rarity) > at)
        for (const part of parts.filter(({ template }) => template.rarity === rarity))
          for (const other of rarer) expect(other.quantity).toBeLessThanOrEqual(part.quantity + 1)
      }
    }),
    { numRuns: 200 },
  )
})
