import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { admin, type ReadyBanyan, startReadyBanyan } from './harness/banyan.ts'
import { keepPictures, launchBrowser, signInQuietly, type Visit, visit } from './harness/browser.ts'
import { faultsOf, prepareChecks, settled } from './harness/page-check.ts'
import { startUpstream, type Upstream } from './harness/upstream.ts'

let banyan: ReadyBanyan
let upstream: Upstream
let browser: Browser
let shown: Visit

beforeAll(async () => {
  upstream = await startUpstream()
  ;[banyan, browser] = await Promise.all([startReadyBanyan(upstream.url), launchBrowser()])
  shown = await visit(browser, banyan)
  await prepareChecks(shown)
  await signInQuietly(shown, banyan, admin)
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepPictures(task.name, [shown])
})
afterAll(async () => {
  await browser?.close()
  await banyan?.stop()
  await upstream?.stop()
})

async function faults(): Promise<string[]> {
  await settled(shown)
  return faultsOf(shown, false)
}

/** The question that is asked before something that matters. */
const confirm = (page: Page, name: string) =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).last().click()

test('an operator makes a template and a batch, downloads print sheets, and releases it', async () => {
  const { page } = shown
  await page.goto('/cards/templates')
  expect(await faults()).toEqual([])
  await page.getByRole('button', { name: 'New template' }).first().click()
  await page.getByLabel('Name', { exact: true }).fill('Lion dance 醒狮')
  await page.getByLabel('Style').fill('folk')
  await page.getByLabel('Difficulty (1–5)').fill('4')
  await page.getByRole('button', { name: 'Save draft' }).click()
  // What the schema asks for and is missing stands beside its field.
  await page.getByText('Please fill this in').waitFor()
  await page.getByLabel('Duration (seconds)').fill('90')
  await page.getByRole('button', { name: 'Save draft' }).click()
  await page.getByRole('button', { name: 'Publish' }).click()
  expect(await faults()).toEqual([])

  await page.getByRole('link', { name: 'Make cards of it' }).click()
  const form = page.getByRole('dialog', { name: 'New batch' })
  await form.getByLabel('Name', { exact: true }).fill('First run')
  await form.getByLabel('Quantity').fill('20')
  await form.getByRole('button', { name: 'Make draft' }).click()
  await page.getByRole('button', { name: 'Generate 20 cards' }).click()
  await page.getByRole('button', { name: 'Release', exact: true }).waitFor()
  expect(await faults()).toEqual([])

  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByText('PDF for print').click()
  await page.getByText('2 × 4 cards a page, 3 pages').waitFor()
  await page.getByRole('img', { name: 'First page (with a sample code)' }).waitFor()
  expect(await faults()).toEqual([])
  const downloading = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download' }).click()
  const file = await (await downloading).path()
  expect((await readFile(file)).subarray(0, 5).toString()).toBe('%PDF-')

  await page.getByRole('button', { name: 'Release', exact: true }).click()
  await confirm(page, 'Release')
  await page.getByRole('button', { name: 'Freeze' }).waitFor()
  await page.reload()
  await page.getByText(/· PDF · 20 cards/).waitFor()
})

test('a category of one’s own has its own form', async () => {
  const { page } = shown
  await page.goto('/cards/categories')
  await page.getByRole('button', { name: 'New category' }).click()
  await page.getByLabel('Identifier').fill('pet')
  await page.getByLabel('Chinese name').fill('宠物')
  await page.getByLabel('English name').fill('Pet')
  // The example has a breed, and the form below the schema shows it.
  await page.getByLabel('Breed').waitFor()
  const schema = page.getByLabel('Attributes (JSON Schema)')
  const good = await schema.inputValue()
  await schema.fill(good.replace('"maxLength": 50', '"$ref": "https://example.com"'))
  await page.getByRole('button', { name: 'Make category' }).click()
  await page.getByText('/properties/breed').waitFor()
  await schema.fill(good)
  await page.getByRole('button', { name: 'Make category' }).click()
  await page.getByText('Saved').waitFor()

  await page.goto('/cards/templates?template=new')
  const form = page.getByRole('dialog', { name: 'New template' })
  await form.getByRole('combobox', { name: 'Category' }).click()
  await page.getByTitle('Pet', { exact: true }).click()
  await form.getByLabel('Breed').fill('Corgi')
  shown.complaints()
})
