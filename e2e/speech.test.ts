import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { tone } from '#core/speech/testing.ts'
import { writeWav } from '#core/speech/wav.ts'
import { makePerson, type ReadyBanyan, startReadyBanyan } from './harness/banyan.ts'
import {
  keepPictures,
  type Looks,
  launchBrowser,
  pictures,
  signInQuietly,
  type Visit,
  visit,
} from './harness/browser.ts'
import { answers, ask, composer, finishedAnswer, openNewChat } from './harness/chat.ts'
import { gate, startUpstream, type Upstream, words } from './harness/upstream.ts'

/* Speaking to Chat and listening to it, with a microphone that plays a recording, and the engines that are built in. */

const directory = mkdtempSync(join(tmpdir(), 'banyan-microphone-'))
let banyan: ReadyBanyan
let upstream: Upstream
let browser: Browser
const visits: Visit[] = []

beforeAll(async () => {
  const recording = join(directory, 'voice.wav')
  writeFileSync(recording, writeWav(tone({ ms: 4000, sample_rate: 48_000 }), 48_000))
  upstream = await startUpstream()
  ;[banyan, browser] = await Promise.all([
    startReadyBanyan(upstream.url, { SPEECH_RECOGNIZER: 'scripted', SPEECH_SCRIPT: '给我讲个故事。' }),
    launchBrowser(['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${recording}`]),
  ])
  // With a bot to choose, the row of the composer is as full as it gets.
  const body = { name: 'Storyteller', system_prompt: 'Tell stories.', is_public: true }
  await banyan.api('POST', '/api/v1/chat/bots', { token: banyan.adminToken, body })
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepPictures(task.name, visits)
  const complaints = visits.flatMap(each => each.complaints())
  await Promise.all(visits.splice(0).map(({ context }) => context.close()))
  expect(complaints).toEqual([])
})
afterAll(async () => {
  await browser?.close()
  await banyan?.stop()
  await upstream?.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** A new person before an empty chat, who lets the site use the microphone, or does not. */
async function newcomer(looks: Partial<Looks> = {}, mayRecord = true): Promise<Page> {
  const person = await makePerson(banyan)
  const first = await visit(browser, banyan, looks)
  visits.push(first)
  if (mayRecord) await first.context.grantPermissions(['microphone'])
  await signInQuietly(first, banyan, person)
  await openNewChat(first.page)
  return first.page
}

const picture = (page: Page, name: string) =>
  page.screenshot({ path: join(pictures, 'speech', `${name}.png`) })

test.each([1440, 390] as const)('what is said becomes the question: %i px', async width => {
  const page = await newcomer({ width })
  await composer(page).fill('Please:')
  await page.getByRole('button', { name: 'Dictate' }).click()
  const recorder = page.getByRole('group', { name: 'Recording' })
  await recorder.waitFor()
  const time = recorder.getByText(/\d:(?!00)\d\d/)
  await time.waitFor()
  expect((await time.boundingBox())?.height, 'the time stands in one line').toBeLessThan(30)
  await picture(page, `recording-${width}`)
  await recorder.getByRole('button', { name: 'Done' }).click()
  await expect.poll(() => composer(page).inputValue(), { timeout: 60_000 }).toBe('Please:给我讲个故事。')
  await picture(page, `dictated-${width}`)

  // Thrown away by Escape.
  await page.getByRole('button', { name: 'Dictate' }).click()
  await recorder.waitFor()
  await page.keyboard.press('Escape')
  await recorder.waitFor({ state: 'detached' })
  expect(await composer(page).inputValue()).toBe('Please:给我讲个故事。')
})

test('what is typed while the recording is being understood stays', async () => {
  const page = await newcomer()
  const held = gate()
  await page.route(/speech\/transcriptions/, async route => {
    await held.opened
    await route.continue()
  })
  await page.getByRole('button', { name: 'Dictate' }).click()
  const recorder = page.getByRole('group', { name: 'Recording' })
  await recorder.getByText(/\d:(?!00)\d\d/).waitFor()
  const sent = page.waitForRequest(/speech\/transcriptions/)
  await recorder.getByRole('button', { name: 'Done' }).click()
  await sent
  await composer(page).fill('Please:')
  held.open()
  await expect.poll(() => composer(page).inputValue(), { timeout: 60_000 }).toBe('Please:给我讲个故事。')
})

test('without permission it says what to do', async () => {
  const page = await newcomer({}, false)
  await page.getByRole('button', { name: 'Dictate' }).click()
  await page.getByText('Allow it in the site settings').waitFor()
  await picture(page, 'denied')
})

test('an answer is read aloud, labelled as a preview, and stopped', async () => {
  upstream.answerWith(() => words('# 故事\n\n从前有一棵**大榕树**，它有很多根。\n\n小鸟住在树上。'))
  const page = await newcomer({ language: 'en' })
  await ask(page, 'Tell me a story')
  await finishedAnswer(page)
  const answer = answers(page).last()
  // Nobody has to wait for the first sound to stop it.
  await page.route(/speech\/syntheses/, () => undefined)
  await answer.getByRole('button', { name: 'Read aloud' }).click()
  await answer.getByRole('button', { name: 'Stop reading' }).click()
  await answer.getByRole('button', { name: 'Read aloud' }).waitFor()
  await page.unroute(/speech\/syntheses/)
  const spoken = page.waitForResponse(/speech\/syntheses/)
  await answer.getByRole('button', { name: 'Read aloud' }).click()
  expect((await spoken).headers()['x-speech-engine']).toBe('espeak')
  await answer.getByText('Preview voice').waitFor()
  await picture(page, 'reading')
  await answer.getByRole('button', { name: 'Stop reading' }).click()
  await answer.getByText('Preview voice').waitFor({ state: 'detached' })
  // To its end: the button is itself again.
  await answer.getByRole('button', { name: 'Read aloud' }).click()
  await answer.getByText('Preview voice').waitFor()
  await answer.getByRole('button', { name: 'Read aloud' }).waitFor({ timeout: 90_000 })
})
