import { expect, test } from 'vitest'
import { makePerson } from './harness/banyan.ts'
import { signInQuietly } from './harness/browser.ts'
import { ask, finishedAnswer, openNewChat } from './harness/chat.ts'
import { useSite } from './harness/site.ts'
import { words } from './harness/upstream.ts'

const site = useSite()

test('an achievement pops up the moment it is unlocked, and stands on the page', async () => {
  site.upstream.answerWith(question => words(`You asked: ${question}`))
  const person = await makePerson(site.banyan)
  const here = await site.open()
  await signInQuietly(here, site.banyan, person)
  const { page } = here

  // What is unlocked is said once, to those who listen.
  const { promise: isListening, resolve } = Promise.withResolvers<void>()
  page.on('websocket', socket =>
    socket.on('framereceived', ({ payload }) => {
      if (/"subscribed".*"achievements\.user\./.test(String(payload))) resolve()
    }),
  )
  await openNewChat(page)
  await isListening
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
