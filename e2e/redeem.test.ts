import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import encodeQR from 'qr'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { admin, makePerson, type ReadyBanyan, startReadyBanyan } from './harness/banyan.ts'
import { keepPictures, launchBrowser, signInQuietly, type Visit, visit } from './harness/browser.ts'
import { faultsOf, prepareChecks, settled } from './harness/page-check.ts'
import { startUpstream, type Upstream } from './harness/upstream.ts'

const quantity = 10_000

let banyan: ReadyBanyan
let upstream: Upstream
let browser: Browser
let codes: string[]
let folder: string | undefined
const visits: Visit[] = []

beforeAll(async () => {
  upstream = await startUpstream()
  banyan = await startReadyBanyan(upstream.url)
  codes = await releasedCodes()
  folder = mkdtempSync(join(tmpdir(), 'banyan-camera-'))
  const picture = join(folder, 'camera.y4m')
  writeFileSync(picture, cameraPicture(`https://toys.example.com/redeem?code=${codes[1]}`))
  browser = await launchBrowser([
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${picture}`,
  ])
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepPictures(task.name, visits)
  await Promise.all(visits.splice(0).map(({ context }) => context.close()))
})
afterAll(async () => {
  await browser?.close()
  await banyan?.stop()
  await upstream?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

async function open(width: 1440 | 390): Promise<Visit> {
  const opened = await visit(browser, banyan, { width })
  visits.push(opened)
  await prepareChecks(opened)
  return opened
}

async function faults(shown: Visit): Promise<string[]> {
  await settled(shown)
  return faultsOf(shown, false)
}

/** A batch as an operator makes it, and what is printed on its cards. */
async function releasedCodes(): Promise<string[]> {
  const token = banyan.adminToken
  const post = <T>(path: string, body?: object) =>
    banyan.api<T>('POST', `/api/v1/cards${path}`, { token, body })
  const template = await post<{ id: string }>('/templates', {
    category: 'dance',
    name: 'Lion dance',
    attributes: { style: 'folk', difficulty: 4, duration_seconds: 180 },
    rarity: 'legendary',
    rewards: { membership: { plan: 'vip', days: 30 } },
  })
  await banyan.api('PATCH', `/api/v1/cards/templates/${template.id}`, { token, body: { state: 'published' } })
  const batch = await post<{ id: string }>('/batches', {
    template_id: template.id,
    name: 'First run',
    quantity,
  })
  const address = `/api/v1/cards/batches/${batch.id}`
  await banyan.api('POST', `${address}/generate`, { token })
  await vi.waitFor(
    async () => expect(await banyan.api('GET', address, { token })).toMatchObject({ state: 'ready' }),
    { timeout: 120_000, interval: 200 },
  )
  await banyan.api('POST', `${address}/release`, { token })
  const csv = await fetch(`${banyan.url}${address}/codes.csv`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const found = (await csv.text()).split('\n').map(line => /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/.exec(line)?.[0])
  const all = found.filter(code => code !== undefined)
  expect(all).toHaveLength(quantity)
  return all
}

/** One frame of video, as Chromium takes it for a camera: a QR code on white. */
function cameraPicture(text: string): Buffer {
  const [width, height, scale] = [640, 480, 8]
  const modules = encodeQR(text, 'raw', { border: 4 })
  const luma = Buffer.alloc(width * height, 235)
  const [left, top] = [(width - modules.length * scale) >> 1, (height - modules.length * scale) >> 1]
  for (let y = 0; y < modules.length * scale; y++)
    for (let x = 0; x < modules.length * scale; x++)
      if (modules[Math.floor(y / scale)]?.[Math.floor(x / scale)]) luma[(top + y) * width + left + x] = 16
  const head = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`)
  return Buffer.concat([head, Buffer.from('FRAME\n'), luma, Buffer.alloc((width * height) / 2, 128)])
}

test('the QR code of a card leads through the sign-in to its reward', async () => {
  const person = await makePerson(banyan)
  const shown = await open(390)
  const { page } = shown
  await page.goto(`/redeem?code=${codes[0]}`)
  await page.getByLabel('User name, e-mail or phone').fill(person.username)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const code = page.getByLabel('Code', { exact: true })
  await expect.poll(() => code.inputValue(), { timeout: 60_000 }).toBe(codes[0])
  expect(await faults(shown)).toEqual([])

  // A slip shows while one types.
  await code.fill(`${codes[0]?.slice(0, -1)}${codes[0]?.endsWith('7') ? '8' : '7'}`)
  await page.getByText('One character is wrong').waitFor()
  expect(await page.getByRole('button', { name: 'Redeem', exact: true }).isDisabled()).toBe(true)
  await code.fill((codes[0] ?? '').toLowerCase().replaceAll('-', ' '))
  await page.getByRole('button', { name: 'Redeem', exact: true }).click()
  await page.getByText('A new card in your collection').waitFor()
  await page.getByRole('heading', { name: 'Lion dance' }).waitFor()
  expect(await faults(shown)).toEqual([])
  await page.getByRole('link', { name: 'See collection' }).click()
  await page.getByText('folk').waitFor()
  expect(await faults(shown)).toEqual([])
})

test('a card is scanned with the camera, and an operator takes it back', async () => {
  const person = await makePerson(banyan)
  const shown = await open(390)
  await signInQuietly(shown, banyan, person)
  await shown.page.goto('/cards/redeem')
  await shown.page.getByRole('button', { name: 'Scan QR code' }).click()
  await shown.page.getByText('A new card in your collection').waitFor()
  // Its days are given in the background; before that there are none to take back.
  const planOf = async () =>
    (await banyan.api<{ plan: string }>('GET', '/api/v1/billing/me', { token: person.token })).plan
  await expect.poll(planOf, { timeout: 60_000 }).toBe('vip')

  const operator = await open(1440)
  await signInQuietly(operator, banyan, admin)
  const { page } = operator
  // It is in the log a moment after the redemption.
  const use = page.getByRole('button', { name: 'Lion dance' })
  await expect
    .poll(
      async () => {
        await page.goto(`/cards/usage?user=${person.id}`)
        await page.getByText('No rows like that').or(use).first().waitFor()
        return use.count()
      },
      { timeout: 60_000 },
    )
    .toBe(1)
  await use.click()
  await page.getByRole('button', { name: 'Undo redemption' }).click()
  const question = page.getByRole('dialog', { name: 'Undo this redemption?' })
  await question.getByLabel('Reason').fill('sold twice')
  await question.getByRole('button', { name: 'Undo redemption' }).click()
  await page.getByText('Undone. 30 days of').waitFor()

  await page.goto('/cards/usage?verify=all')
  await page.getByRole('button', { name: 'Verify all' }).click()
  await page.getByText('Intact').first().waitFor()
  expect(await faults(operator)).toEqual([])
  await page.goto('/cards/analytics')
  await page.getByText('Redemption rate').first().waitFor()
  expect(await faults(operator)).toEqual([])
  await shown.page.goto('/cards/collection')
  await shown.page.getByText('Your collection is empty').waitFor()
})
