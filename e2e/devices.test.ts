import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { admin, type Banyan, makePerson, startBanyan } from './harness/banyan.ts'
import { keepPictures, launchBrowser, signInQuietly, type Visit, visit } from './harness/browser.ts'

let banyan: Banyan
let browser: Browser
const visits: Visit[] = []

beforeAll(async () => {
  const env = { ADMIN_EMAIL: admin.name, ADMIN_PASSWORD: admin.password, OLLAMA_URL: 'off' }
  ;[banyan, browser] = await Promise.all([startBanyan(env), launchBrowser()])
  const token = await banyan.token(admin.name, admin.password)
  await banyan.api('PATCH', '/api/v1/users/me', { token, body: { locale: 'en' } })
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepPictures(task.name, visits)
  const complaints = visits.flatMap(each => each.complaints())
  await Promise.all(visits.splice(0).map(({ context }) => context.close()))
  expect(complaints.filter(text => !/the server responded with a status of 4/.test(text))).toEqual([])
})
afterAll(async () => {
  await browser?.close()
  await banyan?.stop()
})

async function enter(person: Parameters<typeof signInQuietly>[2], width: 390 | 1440) {
  const one = await visit(browser, banyan, { width })
  visits.push(one)
  await signInQuietly(one, banyan, person)
  return one.page
}

/** What a device does when it is switched on; its six digits. */
async function switchOn(mac: string): Promise<string> {
  const response = await fetch(`${banyan.url}/api/v1/devices/ota/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'device-id': mac, 'client-id': `client of ${mac}` },
    body: '{}',
  })
  const { activation } = (await response.json()) as { activation: { code: string } }
  return activation.code
}

test('a device is added on a phone by the digits that it shows, named, and told something', async () => {
  const page = await enter(await makePerson(banyan), 390)
  await page.goto('/devices')
  await page.getByRole('link', { name: 'Add a device' }).click()
  const first = page.getByRole('textbox').first()
  await first.click()
  await page.keyboard.type('000000')
  await page.getByText('No device shows this code now').waitFor()
  const code = await switchOn('8c:bf:ea:0e:2e:01')
  await first.click()
  await page.keyboard.type(code)
  await page.getByText('The device is yours').waitFor()

  await page.getByLabel('Name').fill('Bear')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: 'Bear' }).waitFor()
  await page.getByRole('tab', { name: 'Commands' }).click()
  await page.getByLabel('Something for the device to say').fill('Good morning')
  await page.getByRole('button', { name: 'Say it' }).click()
  await page.getByText('Say “Good morning”').waitFor()
  await page.getByText('At the next conversation', { exact: true }).waitFor()
})

test('family joins by a link', async () => {
  const [owner, other] = [await makePerson(banyan), await makePerson(banyan)]
  const code = await switchOn('8c:bf:ea:0e:2e:02')
  const device = await banyan.api<{ id: string }>('POST', '/api/v1/devices/claims', {
    token: owner.token,
    body: { code },
  })
  const page = await enter(owner, 1440)
  await page.goto(`/devices/my/${device.id}?tab=family`)
  await page.getByRole('radio', { name: 'By link' }).first().check()
  await page.getByRole('button', { name: 'Make a link' }).first().click()
  const link = await page.getByText(/\/devices\/offers#token=/).textContent()

  const guest = await enter(other, 390)
  await guest.goto(link ?? '')
  await guest.getByRole('button', { name: 'Accept' }).click()
  await guest.getByRole('heading', { name: /XiaoZhi/ }).waitFor()
  await page.getByText(`@${other.username}`).waitFor()
})

test('an operator imports a factory’s list and sees which lines were not taken', async () => {
  const page = await enter({ name: admin.name, password: admin.password }, 1440)
  await page.goto('/devices/admin/batches')
  await page.getByRole('button', { name: 'New batch' }).first().click()
  await page.getByLabel('Name').fill('First hundred')
  await page.getByLabel('Type').click()
  await page.getByTitle('XiaoZhi').click()
  await page.getByRole('button', { name: 'Create batch' }).click()
  await page.getByRole('heading', { name: 'First hundred' }).waitFor()
  const lines = [
    'mac,serial',
    ...Array.from({ length: 100 }, (_, n) => `8cbfea0f00${n.toString(16).padStart(2, '0')},A${n}`),
  ]
  await page.locator('input[type=file]').setInputFiles({
    name: 'factory.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from([...lines, 'nonsense,A900', '=1+1,A901'].join('\n')),
  })
  await page.getByText(/devices imported, /).waitFor()
  await page.getByText('A cell begins like a formula').waitFor()
})
