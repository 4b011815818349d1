import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { admin, makePerson, type Person } from './harness/banyan.ts'
import { type Looks, signInQuietly } from './harness/browser.ts'
import { isTooWide, prepareChecks } from './harness/page-check.ts'
import { useSite } from './harness/site.ts'

const site = useSite({ mayComplain: /the server responded with a status of 4/ })

async function openAsAdmin(path: string, looks: Partial<Looks> = {}) {
  const opened = await site.open(looks)
  await Promise.all([prepareChecks(opened), signInQuietly(opened, site.banyan, admin)])
  await opened.page.goto(path)
  return opened.page
}

const mine = (person: Person) =>
  site.banyan.api<{ plan: string; entitlements: Record<string, unknown> }>('GET', '/api/v1/billing/me', {
    token: person.token,
  })

const option = (page: Page, text: string | RegExp) =>
  page.locator('.ant-select-item-option').filter({ hasText: text, visible: true })

async function choose(page: Page, field: string, text: string | RegExp) {
  await page.getByRole('combobox', { name: field, exact: true }).click()
  await option(page, text).click()
  // The next list may have the same options.
  await option(page, text).waitFor({ state: 'hidden' })
}

test('a plan is made, given to somebody, changed and retired', async () => {
  const person = await makePerson(site.banyan)
  const page = await openAsAdmin('/admin/users')
  await page.getByRole('navigation', { name: 'Administration' }).getByRole('link', { name: 'Plans' }).click()
  await page.getByRole('button', { name: 'New plan' }).click()
  const panel = page.getByRole('dialog')
  await panel.getByLabel('Id', { exact: true }).fill('Gold')
  await panel.getByLabel('Name in Chinese').fill('黄金')
  await panel.getByLabel('Name in English').fill('Gold')
  await panel.getByText('Begins with a lower-case letter').waitFor()
  await panel.getByLabel('Id', { exact: true }).fill('free')
  await choose(page, 'Requests per day', 'Custom')
  await panel.getByLabel('Requests per day: amount').fill('7')
  await choose(page, 'Tokens per day', 'Unlimited')
  await panel.getByRole('button', { name: 'New plan' }).click()
  await panel.getByText('There is a plan “free” already').waitFor()
  await panel.getByLabel('Id', { exact: true }).fill('gold')
  await panel.getByRole('button', { name: 'New plan' }).click()

  await panel.getByRole('tab', { name: 'People' }).click()
  await panel.getByText('Nobody yet').waitFor()
  const user = panel.getByRole('combobox', { name: 'Person' })
  await user.fill(person.username)
  await option(page, `@${person.username}`).click()
  await panel.getByRole('button', { name: '7 days', exact: true }).click()
  await panel.getByLabel('Note').fill('For helping')
  await panel.getByRole('button', { name: 'Give', exact: true }).click()
  await panel.getByText(`@${person.username}`, { exact: true }).waitFor()
  expect(await mine(person)).toMatchObject({
    plan: 'gold',
    entitlements: { 'ai.requests_per_day': 7, 'ai.tokens_per_day': null, 'ai.requests_per_month': 3000 },
  })

  await panel.getByRole('tab', { name: 'Quotas' }).click()
  await panel.getByLabel('Requests per day: amount').fill('9')
  await panel.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('row', { name: /^Gold/ }).getByRole('cell', { name: '9', exact: true }).waitFor()
  expect(await mine(person)).toMatchObject({ entitlements: { 'ai.requests_per_day': 9 } })

  await panel.getByRole('button', { name: 'Retire the plan' }).click()
  await page
    .getByRole('dialog')
    .filter({ hasText: 'Retire “Gold”?' })
    .getByRole('button', { name: 'Retire the plan' })
    .click()
  await page.getByRole('row', { name: /^Gold/ }).getByText('Retired').waitFor()
  await panel.getByRole('tab', { name: 'People' }).click()
  await panel.getByText('nobody new can be put on it').waitFor()
  expect(await panel.getByRole('button', { name: 'Give', exact: true }).count()).toBe(0)

  // Whoever has it keeps it, and the person's page tells who gave it and why.
  await panel.getByRole('link', { name: person.username }).click()
  await page.getByText('7 days of Gold').waitFor()
  await page.getByText('For helping').waitFor()
  expect(await mine(person)).toMatchObject({ plan: 'gold' })
  const other = await makePerson(site.banyan)
  await page.goto(`/admin/users?user=${other.id}&tab=plan`)
  await page.getByRole('combobox', { name: 'Plan', exact: true }).click()
  await option(page, 'VIP').waitFor()
  expect(await option(page, 'Gold').count()).toBe(0)
})

test('plans fit a phone', async () => {
  const page = await openAsAdmin('/admin/plans', { language: 'zh-CN', width: 360 })
  await site.banyan.api('PATCH', '/api/v1/users/me', {
    token: site.banyan.adminToken,
    body: { locale: 'zh-CN' },
  })
  await page.reload()
  await page.getByRole('heading', { name: '套餐' }).waitFor()
  expect(await isTooWide({ page })).toBe(false)
  await page.getByRole('button', { name: 'VIP 会员' }).click()
  const panel = page.getByRole('dialog')
  await panel.getByRole('tab', { name: '用户' }).click()
  await panel.getByRole('button', { name: '赠送', exact: true }).waitFor()
  expect(await isTooWide({ page })).toBe(false)
})
