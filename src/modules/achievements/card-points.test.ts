import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { CardRedeemed, RedemptionUndone } from '#modules/cards/contract.ts'
import { cardsClient } from '#modules/cards/testing.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import type { PointsEntry, Standing } from './contract.ts'
import { patience, redeemed, type Site, startSite } from './site-testing.ts'
import { deliver } from './testing.ts'

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.app.stop())

/** A card of a game that brings points, printed once. */
async function printed(points: number) {
  const operator = cardsClient(site.app, site.admin)
  const template = await operator.template({
    category: 'game',
    name: '龙之谜',
    attributes: { type: 'quiz', level: 1 },
    rewards: { points },
  })
  const { id } = await operator.released({ template_id: template.id, quantity: 1 })
  const { headers } = site.admin
  const csv = await site.app.fetch(`/api/v1/cards/batches/${id}/codes.csv?bom=false`, { headers })
  const code = (await csv.text()).split('\r\n')[1]?.split(',')[1]
  return { operator, template, code }
}

/** Everything that says how many points a user has, which has to be the same. */
async function pointsOf(user: TestUser) {
  const entries: PointsEntry[] = []
  for (let cursor = ''; ; ) {
    type Page = { items: PointsEntry[]; next_cursor: string | null }
    const { body } = await site.call<Page>(user, 'GET', `/points?limit=2${cursor}`)
    entries.push(...body.items)
    if (body.next_cursor === null) break
    cursor = `&cursor=${body.next_cursor}`
  }
  const total = entries.reduce((sum, { points, taken_back_at }) => sum + (taken_back_at ? 0 : points), 0)
  const { body: progress } = await site.call<{ points: number }>(user, 'GET', '/progress')
  const { body: board } = await site.call<{ own: Standing }>(user, 'GET', '/leaderboard')
  expect([progress.points, board.own.points]).toEqual([total, total])
  return { total, cards: entries.filter(({ source }) => source === 'card'), entries }
}

const until = (user: TestUser, check: (points: Awaited<ReturnType<typeof pointsOf>>) => void) =>
  vi.waitFor(async () => check(await pointsOf(user)), patience)

test('a card brings its points when it is redeemed, and takes them back when that is undone', async () => {
  const { operator, code } = await printed(500)
  const user = await signUp(site.app)
  const collector = cardsClient(site.app, user)
  const redeem = async () => {
    const { status, body } = await collector.call<{ item: { id: string } }>('POST', '/redemptions', { code })
    expect(status).toBe(200)
    return body.item.id
  }
  const first = await redeem()
  await until(user, ({ cards, entries }) => {
    expect(cards).toMatchObject([
      { id: first, points: 500, name: '龙之谜', icon: null, tier: null, taken_back_at: null },
    ])
    expect(entries.some(({ source, icon, tier }) => source === 'achievement' && icon && tier)).toBe(true)
  })
  const undone = await operator.call('POST', `/redemptions/${first}/undo`, { reason: 'a mistake' })
  expect(undone.status).toBe(200)
  await until(user, ({ cards }) =>
    expect(cards).toMatchObject([{ id: first, taken_back_at: expect.any(String) }]),
  )

  // The card is there to be redeemed again, and then brings them again.
  const second = await redeem()
  await until(user, ({ cards }) =>
    expect(cards).toMatchObject([
      { id: second, points: 500, taken_back_at: null },
      { id: first, taken_back_at: expect.any(String) },
    ]),
  )
})

test('points of a card are given once, whatever is told how often and in which order', async () => {
  const user = await signUp(site.app)
  const [kept, undoneFirst, plain] = [
    redeemed(user, { points: 70 }),
    redeemed(user, { points: 900 }),
    redeemed(user),
  ]
  const undo = ({ redemption_id, template_id, category }: typeof kept) => ({
    redemption_id,
    template_id,
    category,
    user_id: user.user.id,
  })
  const id = newId()
  await deliver(site.app, RedemptionUndone, undo(undoneFirst))
  await site.counted(user, 1, RedemptionUndone)
  await Promise.all([
    deliver(site.app, CardRedeemed, kept, { id }),
    deliver(site.app, CardRedeemed, kept, { id }),
    deliver(site.app, CardRedeemed, kept),
    deliver(site.app, CardRedeemed, undoneFirst),
    deliver(site.app, CardRedeemed, plain),
  ])
  const isCounted = () =>
    vi.waitFor(
      async () =>
        expect(
          (await site.app.core.jobs.list({ name: 'achievements.count_cards_card_redeemed', limit: 50 }))
            .items,
        ).toSatisfy((jobs: { state: string }[]) => jobs.every(({ state }) => state === 'succeeded')),
      patience,
    )
  await isCounted()
  await until(user, ({ cards }) =>
    expect(cards).toMatchObject([{ id: kept.redemption_id, points: 70, name: null, taken_back_at: null }]),
  )

  const undoing = [1, 2].map(() => deliver(site.app, RedemptionUndone, undo(kept)))
  await Promise.all(undoing)
  await until(user, ({ cards }) => expect(cards).toMatchObject([{ taken_back_at: expect.any(String) }]))
  const other = await signUp(site.app)
  expect((await pointsOf(other)).cards).toEqual([])
})
