import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { encodeCursor } from '#core/http/page.ts'
import { newId } from '#core/ids.ts'
import { MessagePosted } from '#modules/chat/contract.ts'
import { DeviceClaimed } from '#modules/devices/contract.ts'
import { signUp } from '#modules/identity/testing.ts'
import { achievementsKey } from './contract.ts'
import type { AchievementNews } from './live.ts'
import { patience, posted, type Site, startSite, unlockedTiers } from './site-testing.ts'
import { counting, deliver, ruleOf } from './testing.ts'

let site: Site
beforeAll(async () => {
  site = await startSite()
})
afterAll(() => site.app.stop())

test('an unlocking is told at once, and brings points and days of a plan once', async () => {
  const rule = counting(DeviceClaimed.name, 1)
  const [tier] = rule.tiers
  if (tier) tier.rewards = { membership: { plan: 'vip', days: 3 } }
  const achievement = await site.make(rule, { names: { 'zh-CN': '新朋友', en: 'A friend' } })
  const user = await signUp(site.app)
  const news: AchievementNews[] = []
  await site.app.core.realtime.subscribe(`achievements.user.${user.user.id}`, {}, message =>
    news.push(message.data as AchievementNews),
  )
  const claim = { device_id: newId(), user_id: user.user.id, type_id: newId() }
  const id = newId()
  await Promise.all([1, 2, 3].map(() => deliver(site.app, DeviceClaimed, claim, { id })))
  await vi.waitFor(
    () =>
      expect(news.filter(({ achievement_id }) => achievement_id === achievement.id)).toMatchObject([
        { type: 'achievement.unlocked', tier: 'bronze', names: { en: 'A friend' }, icon: '🧪', points: 10 },
      ]),
    patience,
  )
  const me = await site.app.fetch('/api/v1/billing/me', { headers: user.headers }).then(r => r.json())
  expect(JSON.stringify(me)).toContain('vip')
  const told = await site.app.fetch('/api/v1/notifications', { headers: user.headers }).then(r => r.json())
  expect(JSON.stringify(told)).toContain('Achievement unlocked: A friend')
  const points = await site.app.app.use(achievementsKey).pointsOf([user.user.id])
  expect(points.get(user.user.id)).toBeGreaterThanOrEqual(10)
})

test('the leaderboard shows who wants to be seen, equals with one rank, page by page', async () => {
  const users = await Promise.all(Array.from({ length: 5 }, () => signUp(site.app)))
  const points = [900_000, 800_000, 800_000, 800_000, 700_000]
  for (const [i, user] of users.entries()) {
    const listed = await site.call(user, 'PUT', '/leaderboard/listing', { is_listed: true })
    expect(listed.body).toMatchObject({ is_listed: true, rank: null })
    await site.db
      .updateTable('achievements_user')
      .set({ points: points[i] ?? 0 })
      .where('user_id', '=', user.user.id)
      .execute()
  }
  type Board = {
    items: { rank: number; display_name: string; points: number; is_own: boolean }[]
    next_cursor: string | null
    own: { rank: number | null }
  }
  const last = users[4]
  if (!last) throw new Error('no user')
  const seen: Board['items'] = []
  let cursor = ''
  do {
    const { body } = await site.call<Board>(last, 'GET', `/leaderboard?limit=2${cursor}`)
    seen.push(...body.items)
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
    expect(body.own.rank).toBe(5)
  } while (cursor !== '')
  expect(seen.slice(0, 5).map(({ rank, points: has, is_own }) => [rank, has, is_own])).toEqual([
    [1, 900_000, false],
    [2, 800_000, false],
    [2, 800_000, false],
    [2, 800_000, false],
    [5, 700_000, true],
  ])
  expect(Object.keys(seen[0] ?? {}).sort()).toEqual(['display_name', 'is_own', 'points', 'rank'])
  await site.call(last, 'PUT', '/leaderboard/listing', { is_listed: false })
  const without = await site.call<Board>(last, 'GET', '/leaderboard?limit=100')
  expect(without.body.own.rank).toBeNull()
  expect(without.body.items.every(({ is_own }) => !is_own)).toBe(true)
})

test('a cursor that no list gave out is refused', async () => {
  const [nobody, now, never] = [newId(), '2026-11-21T00:00:00Z', '0000-01-01T00:00:00Z']
  for (const [path, key] of [
    ['/leaderboard', [1.5, now, nobody]],
    ['/leaderboard', [1e300, now, nobody]],
    ['/leaderboard', [1, never, nobody]],
    ['/points', [never, nobody]],
    ['/points', [now, '\0']],
    ['/definitions', [2 ** 31, nobody]],
  ] as const)
    expect(await site.call(site.admin, 'GET', `${path}?cursor=${encodeCursor(key)}`)).toMatchObject({
      status: 400,
      body: { code: 'page.invalid_cursor' },
    })
})

test('every night unlocks are counted by day, and the leaderboard is rewarded', async () => {
  const top = await site.make(ruleOf({ type: 'top' }, 1_000))
  const user = await signUp(site.app)
  await site.call(user, 'PUT', '/leaderboard/listing', { is_listed: true })
  await deliver(site.app, MessagePosted, posted(user))
  await vi.waitFor(
    async () =>
      expect(
        (await site.call<{ own: { rank: number | null } }>(user, 'GET', '/leaderboard')).body.own.rank,
      ).not.toBeNull(),
    patience,
  )
  const yesterday = new Date(Date.now() - 86_400_000).toISOString()
  await site.db
    .updateTable('achievements_unlock')
    .set({ created_at: yesterday })
    .where('user_id', '=', user.user.id)
    .execute()
  const nightly = {
    name: 'achievements.update_statistics',
    schema: z.object({}),
    attempts: 3,
    timeout_ms: 60_000,
    concurrency: null,
    run: () => Promise.reject(new Error('only its name is used')),
  }
  await site.app.core.jobs.add(site.app.core.db.primary, nightly, {})
  await vi.waitFor(
    async () => expect(unlockedTiers(await site.progressOf(user, top.id))).toEqual(['bronze']),
    patience,
  )
  const { body } = await site.call<{ items: { unlocked: number; users: number }[] }>(
    site.admin,
    'GET',
    '/statistics?days=2',
  )
  expect(body.items.some(({ unlocked, users }) => unlocked > 0 && users > 1)).toBe(true)
})
