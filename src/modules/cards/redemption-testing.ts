import { expect, vi } from 'vitest'
import type { TestApp } from '#core/testing/app.ts'
import { signUp } from '#modules/identity/testing.ts'
import type { CardItem } from './collection.ts'
import { codesOf } from './redemption-access.ts'
import type { RedemptionTables } from './redemption-tables.ts'
import { cardsClient, signUpOperator } from './testing.ts'

export type Redemption = { item: CardItem; already_owned: boolean }
export type Problem = { code: string; detail: string; seconds?: number }

/** A user with a client of the module. */
export async function signUpCollector(app: TestApp) {
  const user = await signUp(app)
  return {
    ...user,
    id: user.user.id,
    cards: cardsClient(app, user),
    async redeem(code: string, headers: Record<string, string> = {}) {
      const response = await app.fetch('/api/v1/cards/redemptions', {
        method: 'POST',
        headers: { ...user.headers, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ code }),
      })
      const body = (await response.json()) as Redemption & Problem
      return { status: response.status, headers: response.headers, body }
    },
  }
}

export type Collector = Awaited<ReturnType<typeof signUpCollector>>

/** A released batch, its codes, and its operator. */
export async function released(app: TestApp, input: object = {}) {
  const operator = await signUpOperator(app)
  const batch = await operator.cards.released(input)
  const codes = await codesOf(app, batch.id)
  return { operator, batch, codes, code: codes[0] ?? '' }
}

export const rowsOf = ({ core }: Pick<TestApp, 'core'>) => core.db.withTables<RedemptionTables>().primary

/** Waits until everything that was used is in the log. */
export async function settled(app: Pick<TestApp, 'core'>): Promise<void> {
  await vi.waitFor(
    async () => {
      const left = await rowsOf(app).selectFrom('cards_usage_pending').select('id').execute()
      expect(left).toEqual([])
    },
    { timeout: 30_000, interval: 50 },
  )
}
