import { z } from 'zod'
import { Rarity, rarities } from './contract.ts'

/** Of a hundred thousand cards of a set, how many are of a rarity, beside the others' weights. */
const weights: Record<Rarity, number> = { common: 600, uncommon: 250, rare: 100, epic: 40, legendary: 10 }
const total = rarities.reduce((sum, rarity) => sum + weights[rarity], 0)

export const RarityShare = z.object({
  name: Rarity,
  weight: z.int(),
  share: z.number().describe('Its part of all weights, from 0 to 1.'),
})
export type RarityShare = z.output<typeof RarityShare>

export const rarityShares: RarityShare[] = rarities.map(name => ({
  name,
  weight: weights[name],
  share: weights[name] / total,
}))

/**
 * Splits a number of cards over the templates of a set by the weights of their rarities. Templates of one rarity share
 * alike; what rounding leaves over goes to those that lost most by it, so the parts add up. None gets nothing as long
 * as there are as many cards as templates.
 */
export function splitByRarity<T extends { rarity: Rarity }>(
  templates: readonly T[],
  quantity: number,
): { template: T; quantity: number }[] {
  const sum = templates.reduce((all, { rarity }) => all + weights[rarity], 0)
  const least = quantity >= templates.length ? 1 : 0
  const free = quantity - least * templates.length
  const parts = templates.map((template, at) => {
    const exact = (free * weights[template.rarity]) / sum
    return { template, at, quantity: least + Math.floor(exact), lost: exact - Math.floor(exact) }
  })
  const left = quantity - parts.reduce((all, part) => all + part.quantity, 0)
  const losers = parts.toSorted((a, b) => b.lost - a.lost || a.at - b.at).slice(0, left)
  for (const part of losers) part.quantity += 1
  return parts.map(({ template, quantity: count }) => ({ template, quantity: count }))
}
