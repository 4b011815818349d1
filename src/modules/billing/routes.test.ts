import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/ids.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signInAdmin, signUp, type TestUser } from '#modules/identity/testing.ts'
import { billingKey } from './contract.ts'

let app: TestApp
let admin: TestUser
let user: TestUser

beforeAll(async () => {
  app = await startTestApp()
  ;[admin, user] = await Promise.all([signInAdmin(app), signUp(app, { time_zone: 'Europe/Berlin' })])
})
afterAll(() => app.stop())

async function call(who: TestUser, path: string, body?: object, method = 'PUT') {
  const response = await app.fetch(`/api/v1/billing${path}`, {
    headers: { ...who.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { method, body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const gold = {
  names: { 'zh-CN': '黄金', en: 'Gold' },
  entitlements: { 'ai.requests_per_day': 7, 'ai.tokens_per_day': null },
}

test('plans are made and changed by administrators only', async () => {
  expect(await call(admin, '/plans')).toMatchObject({
    status: 200,
    body: { items: [{ id: 'free' }, { id: 'vip' }] },
  })
  expect(await call(admin, '/plans/gold', gold)).toMatchObject({ status: 200, body: { id: 'gold', ...gold } })
  expect((await call(admin, '/plans/gold')).body).toMatchObject(gold)
  expect((await call(admin, '/plans/none')).status).toBe(404)
  expect((await call(admin, '/plans/Bad-Name', gold)).status).toBe(400)
  expect((await call(admin, '/plans/gold', { ...gold, entitlements: { 'ai.typo': 1 } })).status).toBe(422)
  expect(
    (await call(admin, '/plans/gold', { ...gold, entitlements: { 'ai.requests_per_day': -1 } })).status,
  ).toBe(400)
  for (const path of ['/plans', '/plans/gold', `/users/${user.user.id}`])
    expect((await call(user, path)).status).toBe(403)
  expect((await call(user, '/plans/gold', gold)).status).toBe(403)
})

test('a user’s plan reaches the limits of the gateway, and the VIP mark', async () => {
  const path = `/users/${user.user.id}`
  await call(admin, '/plans/gold', gold)
  expect(await call(user, '/me')).toMatchObject({
    status: 200,
    body: { plan: 'free', until: null, names: { en: 'Free' } },
  })
  const set = await call(admin, path, {
    plan: 'gold',
    until: null,
    overrides: { 'ai.requests_per_month': 70 },
  })
  expect(set).toMatchObject({
    status: 200,
    body: { plan: 'gold', overrides: { 'ai.requests_per_month': 70 } },
  })
  expect((await call(user, '/me')).body).toMatchObject({
    plan: 'gold',
    entitlements: { 'ai.requests_per_day': 7, 'ai.requests_per_month': 70, 'ai.tokens_per_day': null },
  })
  const quota = await app.core.ai.quota(user.user.id)
  expect(quota).toContainEqual(expect.objectContaining({ metric: 'requests', period: 'day', max: 7 }))
  expect(quota.some(limit => limit.metric === 'tokens' && limit.period === 'day')).toBe(false)

  const isVip = async () => {
    const response = await app.fetch('/api/v1/users/me', { headers: user.headers })
    return ((await response.json()) as { is_vip: boolean }).is_vip
  }
  await call(admin, path, { plan: 'vip', until: '2999-01-01T00:00:00+08:00', overrides: {} })
  expect(await isVip()).toBe(true)
  const billing = app.app.use(billingKey)
  expect(await billing.grantDays(user.user.id, 'vip', 1, { reason: 'test', key: newId() })).toEqual({
    plan: 'vip',
    until: '2999-01-01T16:00:00.000Z',
  })
  await call(admin, path, { plan: 'free', until: null, overrides: {} })
  expect(await isVip()).toBe(false)
  expect(
    (await call(admin, path, { plan: 'vip', until: '2001-01-01T00:00:00Z', overrides: {} })).status,
  ).toBe(422)
  expect((await call(admin, path, { plan: 'none', until: null, overrides: {} })).status).toBe(404)
})

test('a plan is made once, given for days, looked at, and retired', async () => {
  const bronze = { id: 'bronze', names: { 'zh-CN': '青铜', en: 'Bronze' }, entitlements: {} }
  const made = await call(admin, '/plans', bronze, 'POST')
  expect(made).toMatchObject({
    status: 201,
    body: { retired_at: null, declared: { 'ai.requests_per_day': 200 } },
  })
  expect(await call(admin, '/plans', bronze, 'POST')).toMatchObject({
    status: 409,
    body: { code: 'plan.exists' },
  })

  const someone = await signUp(app)
  const grants = `/users/${someone.user.id}/grants`
  const gift = { plan: 'bronze', days: 30, reason: 'for helping' }
  const given = await call(admin, grants, gift, 'POST')
  expect(given).toMatchObject({
    status: 201,
    body: {
      plan: 'bronze',
      grants: [{ days: 30, reason: 'for helping', granted_by_name: admin.user.username }],
    },
  })
  expect((await call(someone, '/me')).body).toMatchObject({ plan: 'bronze', names: { en: 'Bronze' } })
  const people = await call(admin, '/plans/bronze/subscribers')
  expect(people.body).toMatchObject({
    items: [{ user_id: someone.user.id, username: someone.user.username, until: given.body.until }],
    next_cursor: null,
  })

  expect(await call(admin, '/plans/bronze', { ...bronze, id: undefined, is_retired: true })).toMatchObject({
    status: 200,
    body: { retired_at: expect.any(String) },
  })
  expect(await call(admin, grants, gift, 'POST')).toMatchObject({
    status: 409,
    body: { code: 'plan.retired' },
  })
  expect((await call(someone, '/me')).body).toMatchObject({ plan: 'bronze' })

  for (const [path, body, code] of [
    [`/users/${newId()}/grants`, { plan: 'vip', days: 1 }, 'user.not_found'],
    [grants, { plan: 'free', days: 1 }, 'plan.not_found'],
    [grants, { plan: 'none', days: 1 }, 'plan.not_found'],
    [grants, { plan: 'vip', days: 0 }, 'input.invalid'],
  ] as const)
    expect((await call(admin, path, body, 'POST')).body).toMatchObject({ code })
  const nobody = `/users/${newId()}`
  const forEver = { plan: 'vip', until: null, overrides: {} }
  for (const body of [undefined, forEver])
    expect((await call(admin, nobody, body)).body).toMatchObject({ code: 'user.not_found' })
  await call(admin, `/users/${someone.user.id}`, {
    plan: 'vip',
    until: '9999-12-31T00:00:00Z',
    overrides: {},
  })
  expect((await call(admin, grants, { plan: 'vip', days: 30 }, 'POST')).body).toMatchObject({
    code: 'subscription.end_too_far',
  })
})
