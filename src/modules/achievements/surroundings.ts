import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Cards } from '#modules/cards/contract.ts'
import type { Surroundings } from './evaluate.ts'
import { hasUnlocked, type Unlocked } from './unlock-store.ts'

export type SurroundingsOf = (unlocked: Unlocked) => Promise<Surroundings>

/** What rules are measured against: the sizes of the sets of cards, at most five minutes old, and what is unlocked. */
export const createSurroundings =
  ({ cache, cards }: { cache: Cache; cards: Pick<Cards, 'setSizes'> }): SurroundingsOf =>
  async unlocked => {
    const sizes = await cache.get(policies.l1, 'achievements.set_sizes', () => cards.setSizes())
    return {
      setSize: category =>
        sizes
          .filter(size => category === null || size.category === category)
          .reduce((sum, { total }) => sum + total, 0),
      hasUnlocked: (achievementId, tier) => hasUnlocked(unlocked, achievementId, tier),
    }
  }
