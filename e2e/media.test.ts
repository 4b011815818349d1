import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { admin, makePerson } from './harness/banyan.ts'
import { signInQuietly, type Visit } from './harness/browser.ts'
import { putMedia, song } from './harness/fill.ts'
import { faultsOf, prepareChecks, settled } from './harness/page-check.ts'
import { useSite } from './harness/site.ts'

const site = useSite()

async function enter(person: Parameters<typeof signInQuietly>[2], width: 390 | 1440): Promise<Visit> {
  const shown = await site.open({ width })
  await prepareChecks(shown)
  await signInQuietly(shown, site.banyan, person)
  return shown
}

async function faults(shown: Visit): Promise<string[]> {
  await settled(shown)
  return faultsOf(shown, false)
}

const wav = (name: string, seconds: number) => ({
  name,
  mimeType: 'audio/wav',
  buffer: Buffer.from(song(seconds)),
})
const text = (name: string, content: string) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(content),
})
const panel = (page: Page) => page.getByRole('dialog', { name: 'About this piece' })

test('an operator uploads several files, sees why one is refused, and corrects, hears and deletes a song', async () => {
  const shown = await enter(admin, 1440)
  const { page } = shown
  await page.goto('/devices/library')
  await page.getByRole('heading', { name: 'No music and dances yet' }).waitFor()
  await page.getByRole('button', { name: 'Upload' }).first().click()
  const form = page.getByRole('dialog', { name: 'Upload music and dances' })
  const files = [
    wav('Moon.wav', 2),
    text('Robot dance.json', '{"steps": [1]}'),
    text('notes.mp3', 'not a song'),
  ]
  await form.locator('input[type=file]').setInputFiles(files)
  await form.getByLabel('Title of “Moon.wav”').fill('Moon over the sea')
  await form.getByLabel('Artist').fill('Teresa Teng')
  expect(await faults(shown)).toEqual([])
  // Said for a few seconds only.
  const told = page.getByText('2 files uploaded').waitFor()
  await form.getByRole('button', { name: 'Upload 3 files' }).click()
  await form.getByText('Music must be a WAV, MP3, Ogg or FLAC file').waitFor()
  await told
  shown.complaints()
  await form.getByRole('button', { name: 'Leave out “notes.mp3”' }).click()
  await form.getByRole('button', { name: 'Cancel' }).click()

  await page.getByRole('radiogroup', { name: 'What to show' }).getByText('Dances').click()
  await page.getByRole('button', { name: 'Robot dance' }).waitFor()
  await page.getByRole('button', { name: 'Moon over the sea' }).waitFor({ state: 'hidden' })
  await page.goto('/devices/library?q=teresa')
  await page.getByRole('button', { name: 'Moon over the sea' }).press('Enter')
  const audio = panel(page).locator('audio')
  await audio.press('Space')
  const heard = (name: 'currentTime' | 'duration') =>
    audio.evaluate((element, what) => (element as unknown as Record<string, number>)[what] ?? 0, name)
  await expect.poll(() => heard('currentTime'), { timeout: 60_000 }).toBeGreaterThan(0)
  expect(await heard('duration')).toBe(2)

  await panel(page).getByLabel('Title').fill('The moon represents my heart')
  await panel(page).getByLabel('Length').fill('three')
  await panel(page).getByRole('button', { name: 'Save' }).click()
  await panel(page).getByText('Write minutes:seconds').waitFor()
  await panel(page).getByLabel('Length').fill('3:25')
  await panel(page).getByRole('button', { name: 'Save' }).click()
  await panel(page).getByRole('heading', { name: 'The moon represents my heart' }).waitFor()
  await panel(page).getByText('3:25', { exact: true }).waitFor()
  expect(await faults(shown)).toEqual([])
  await page.reload()
  await panel(page).getByRole('heading', { name: 'The moon represents my heart' }).waitFor()

  await panel(page).getByRole('button', { name: 'Delete' }).click()
  const question = page.getByRole('dialog', { name: 'Delete “The moon represents my heart”?' })
  await question.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('“The moon represents my heart” is deleted').waitFor()
  await page.getByRole('button', { name: 'Robot dance' }).waitFor()
  await page.getByLabel('Title, artist or style').fill('moon')
  await page.getByRole('heading', { name: 'Nothing matches' }).waitFor()
  await page.getByRole('button', { name: 'Clear the filters' }).click()
  await page.getByRole('button', { name: 'Robot dance' }).waitFor()
  expect(shown.complaints()).toEqual([])
})

test('an upload shows how far it is, and stops', async () => {
  const { page, context } = await enter(admin, 390)
  await page.goto('/devices/library')
  await page.getByRole('button', { name: 'Upload' }).first().click()
  const form = page.getByRole('dialog', { name: 'Upload music and dances' })
  await form.locator('input[type=file]').setInputFiles([wav('Long.wav', 60), wav('Next.wav', 1)])
  const slowly = await context.newCDPSession(page)
  const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 50_000 }
  await slowly.send('Network.emulateNetworkConditions', conditions)
  await form.getByRole('button', { name: 'Upload 2 files' }).click()
  const progress = form.getByRole('progressbar', { name: 'Upload of “Long.wav”' })
  const percent = async () => Number(await progress.getAttribute('aria-valuenow'))
  await expect.poll(percent, { timeout: 60_000 }).toBeGreaterThan(2)
  await form.getByText('Waiting').waitFor()
  await form.getByRole('button', { name: 'Stop' }).click()
  await form.getByText('What did not arrive is still listed').waitFor()
  await slowly.send('Network.emulateNetworkConditions', { ...conditions, uploadThroughput: -1 })
  await form.getByRole('button', { name: 'Leave out “Long.wav”' }).click()
  await form.getByRole('button', { name: 'Upload 1 file' }).click()
  await page.getByRole('list', { name: 'Music and dances' }).getByRole('button', { name: 'Next' }).waitFor()
})

test('whoever has a device sends it a song on a phone, and learns what unlocks another', async () => {
  await putMedia(site.banyan, new Blob([song(1)]), { kind: 'music', title: 'Twinkle star' })
  const template_id = '0192f0c1-7c1e-7000-8000-0123456789ab'
  await putMedia(site.banyan, new Blob(['{}']), { kind: 'dance', title: 'Rare dance', template_id })
  const person = await makePerson(site.banyan)
  const shown = await enter(person, 390)
  const { page } = shown
  await page.goto('/devices')
  await page.getByRole('button', { name: 'Open the menu' }).click()
  await page.getByRole('link', { name: 'Music and dances' }).click()
  await page.getByRole('button', { name: 'Twinkle star' }).click()
  expect(await faults(shown)).toEqual([])
  await panel(page).getByText('Add a device, and you can send it what is here.').waitFor()

  const answer = await fetch(`${site.banyan.url}/api/v1/devices/ota/`, {
    headers: { 'device-id': '8c:bf:ea:0e:2e:09', 'client-id': 'toy' },
  })
  const { activation } = (await answer.json()) as { activation: { code: string } }
  const claim = { token: person.token, body: { code: activation.code } }
  const device = await site.banyan.api<{ id: string; name: string }>('POST', '/api/v1/devices/claims', claim)
  await page.reload()
  await panel(page)
    .getByRole('button', { name: `Play on “${device.name}”` })
    .click()
  await page.getByText('Kept; delivered at the next conversation').waitFor()
  expect(await faults(shown)).toEqual([])
  await page.goto(`/devices/my/${device.id}?tab=commands`)
  await page.getByText('Play music').waitFor()

  await page.goto('/devices/library?kind=dance')
  await page.getByRole('button', { name: 'Rare dance' }).click()
  await panel(page).getByRole('link', { name: 'Redeem a card' }).waitFor()
  expect(
    await panel(page)
      .getByRole('button', { name: /Dance on/ })
      .count(),
  ).toBe(0)
  expect(await faults(shown)).toEqual([])
})
