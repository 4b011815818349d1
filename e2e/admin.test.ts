import { expect, test } from 'vitest'
import { admin, makePerson } from './harness/banyan.ts'
import { signInQuietly } from './harness/browser.ts'
import { ask } from './harness/fill.ts'
import { useSite } from './harness/site.ts'

const site = useSite()

async function openAsAdmin(path: string) {
  const opened = await site.open()
  await signInQuietly(opened, site.banyan, admin)
  await opened.page.goto(path)
  return opened.page
}

test('people are found and shut out', async () => {
  const person = await makePerson(site.banyan)
  const other = await makePerson(site.banyan)
  const page = await openAsAdmin('/admin/users')
  const table = page.getByRole('table')
  await table.getByText(`@${other.username}`, { exact: true }).waitFor()
  await page
    .getByRole('searchbox')
    .or(page.getByLabel('Search name, e-mail or phone'))
    .first()
    .fill(person.username)
  await table.getByText(`@${other.username}`, { exact: true }).waitFor({ state: 'detached' })
  await table.getByText(`@${person.username}`, { exact: true }).click()
  await page.getByRole('button', { name: 'Disable' }).click()
  await page
    .getByRole('dialog')
    .filter({ hasText: 'Disable person' })
    .getByRole('button', { name: 'Disable' })
    .click()
  await page.getByText('This account is disabled').waitFor()
  await expect(site.banyan.token(person.username, person.password)).rejects.toThrow()
  await page.getByRole('button', { name: 'Enable' }).click()
  await page.getByText('This account is disabled').waitFor({ state: 'detached' })
  await site.banyan.token(person.username, person.password)
})

test('a role loses a permission, and its people with it', async () => {
  const person = await makePerson(site.banyan)
  const page = await openAsAdmin('/admin/roles?role=user')
  const permission = page.getByRole('checkbox', { name: /Create organisations/ })
  await permission.uncheck()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The permissions of “User” are saved').waitFor()
  const create = () =>
    site.banyan.api('POST', '/api/v1/identity/organisations', { token: person.token, body: { name: 'New' } })
  await expect(create()).rejects.toThrow('403')
  await page.getByRole('checkbox', { name: /Create organisations/ }).check()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect
    .poll(
      () =>
        create().then(
          () => true,
          () => false,
        ),
      { timeout: 60_000 },
    )
    .toBe(true)
})

test('a model that is switched off is not offered any more', async () => {
  const page = await openAsAdmin('/admin/models')
  const models = () =>
    site.banyan
      .api<{ items: { id: string }[] }>('GET', '/api/v1/chat/models', { token: site.banyan.adminToken })
      .then(({ items }) => items.map(({ id }) => id))
  expect(await models()).toContain('fake-small')
  await page.getByRole('switch', { name: 'Enable fake-small' }).click()
  await expect.poll(models, { timeout: 60_000 }).not.toContain('fake-small')
  await page.getByRole('switch', { name: 'Enable fake-small' }).click()
  await expect.poll(models, { timeout: 60_000 }).toContain('fake-small')
})

test('what was used is drawn and listed', async () => {
  const conversation = await site.banyan.api<{ id: string }>('POST', '/api/v1/chat/conversations', {
    token: site.banyan.adminToken,
    body: {},
  })
  await ask(site.banyan, conversation.id, 'Count me')
  const page = await openAsAdmin('/admin/usage?by=model&metric=requests')
  await page.locator('figure svg').first().waitFor()
  await page.getByRole('table').getByText('fake-large').waitFor()
  await page.getByText('User', { exact: true }).click()
  await page.waitForURL(/by=user/)
  await page.getByRole('table').getByText('Admin').waitFor()
})

test('jobs, health and provider state are shown', async () => {
  const page = await openAsAdmin('/admin/health')
  await page.getByText('Embedded PostgreSQL').waitFor()
  await page.getByText('Ready').first().waitFor()
  await page.goto('/admin/jobs')
  await page.getByRole('table').getByText('Done').first().waitFor()
  await page.goto('/admin/providers')
  await page.getByRole('button', { name: 'Test Upstream' }).click()
  await page.getByText(/Upstream works\./).waitFor()
})

test('somebody without the permission sees no administration', async () => {
  const person = await makePerson(site.banyan)
  const opened = await site.open()
  await signInQuietly(opened, site.banyan, person)
  await opened.page.goto('/admin/users')
  await opened.page.getByText('You may not see this page').waitFor()
  expect(await opened.page.getByRole('link', { name: 'Admin' }).count()).toBe(0)
})
