import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { makePerson, type ReadyBanyan, startReadyBanyan } from './harness/banyan.ts'
import { keepPictures, launchBrowser, signInQuietly, type Visit, visit } from './harness/browser.ts'
import { ask, finishedAnswer, openNewChat } from './harness/chat.ts'
import { startUpstream, type Upstream, words } from './harness/upstream.ts'

let banyan: ReadyBanyan
let upstream: Upstream
let browser: Browser
const visits: Visit[] = []

beforeAll(async () => {
  upstream = await startUpstream()
  ;[banyan, browser] = await Promise.all([startReadyBanyan(upstream.url), launchBrowser()])
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepPictures(task.name, visits)
  await Promise.all(visits.splice(0).map(({ context }) => context.close()))
})
afterAll(async () => {
  await browser?.close()
  await banyan?.stop()
  await upstream?.stop()
})

test('an achievement pops up the moment it is unlocked, and stands on the page', async () => {
  upstream.answerWith(question => words(`You asked: ${question}`))
  const person = await makePerson(banyan)
  const here = await visit(browser, banyan)
  visits.push(here)
  await signInQuietly(here, banyan, person)
  const { page } = here

  await openNewChat(page)
  await ask(page, 'Hello')
  const unlocked = page.getByRole('region', { name: 'Newly unlocked achievements' })
  await unlocked.getByRole('link', { name: 'First words' }).click()

  await page.getByRole('heading', { name: 'My achievements', level: 1 }).waitFor()
  const card = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'First words' }) })
  await card.getByText('All tiers reached').waitFor()

  await page.getByRole('radiogroup', { name: 'Pages of achievements' }).getByText('Leaderboard').click()
  await page.getByRole('switch', { name: 'Show me on the leaderboard' }).click()
  await page.getByRole('row').filter({ hasText: person.username }).getByText('You').waitFor()
  expect(here.complaints()).toEqual([])
  await page.goBack()
  await openNewChat(page)
  await ask(page, 'Hello again')
  expect(await finishedAnswer(page)).toContain('Hello again')
})
