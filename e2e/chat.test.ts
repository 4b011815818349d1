import { afterEach, expect, test } from 'vitest'
import { makePerson } from './harness/banyan.ts'
import { signInQuietly, type Visit } from './harness/browser.ts'
import {
  answers,
  ask,
  chooseInMenu,
  composer,
  finishedAnswer,
  openNewChat,
  questions,
  stopButton,
} from './harness/chat.ts'
import { useSite } from './harness/site.ts'
import { gate, words } from './harness/upstream.ts'

const site = useSite({ mayComplain: /net::ERR_INTERNET_DISCONNECTED/ })
afterEach(() => {
  site.upstream.answerWith(question => words(`You asked: ${question}`))
})

/** A new person before an empty chat. */
async function newcomer() {
  const person = await makePerson(site.banyan)
  const first = await site.open()
  await signInQuietly(first, site.banyan, person)
  await openNewChat(first.page)
  return { ...first, person }
}

/** An answer in two halves, of which the second waits for the test. */
function inTwoHalves(first: string, second: string) {
  const middle = gate()
  site.upstream.answerWith(async function* () {
    yield* words(first)
    await middle.opened
    yield* words(second)
  })
  return middle
}

test('send, stream, regenerate, edit, and switch between branches', async () => {
  const { page } = await newcomer()
  let count = 0
  site.upstream.answerWith(question => words(`${question} – answer ${++count}`))
  await ask(page, 'First question')
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}$/)
  expect(await finishedAnswer(page)).toBe('First question – answer 1')

  await answers(page).getByRole('button', { name: 'Regenerate' }).click()
  await chooseInMenu(page, 'Regenerate with the same model')
  await answers(page).getByText('answer 2').waitFor()
  await answers(page).getByText('2/2').waitFor()
  await answers(page).getByRole('button', { name: 'Previous version' }).click()
  await answers(page).getByText('answer 1').waitFor()

  await questions(page).hover()
  await questions(page).getByRole('button', { name: 'Edit the question' }).click()
  await page.getByRole('textbox', { name: 'Edit the question' }).fill('Another question')
  await page.getByRole('button', { name: 'Send' }).first().click()
  await answers(page).getByText('Another question – answer 3').waitFor()
  await questions(page).getByText('2/2').waitFor()
  await questions(page).hover()
  await questions(page).getByRole('button', { name: 'Previous version' }).click()
  // A branch is entered at its newest end.
  await questions(page).getByText('First question').waitFor()
  await answers(page).getByText('answer 2').waitFor()

  // The chosen branch is kept.
  await page.reload()
  await answers(page).getByText('answer 2').waitFor()
})

test('Esc stops, and the answer can be continued', async () => {
  const { page } = await newcomer()
  const middle = inTwoHalves('Only this much', ' and never this')
  await ask(page, 'Tell me everything')
  await answers(page).getByText('Only this much').waitFor()
  await stopButton(page).waitFor()
  await page.keyboard.press('Escape')
  await page.getByText('Stopped.').waitFor()
  middle.open()
  expect(await finishedAnswer(page)).toContain('Only this much')
  site.upstream.answerWith(() => words(' after all.'))
  await page.getByRole('button', { name: 'Continue' }).click()
  await answers(page).getByText('after all.').waitFor()
})

test('a reload in mid-stream, a second tab and a cut network all end with the exact text', async () => {
  const { page, context } = await newcomer()
  const first = `${'The quick brown fox 狐狸 🦊 jumps. '.repeat(20)}`
  const second = `${'Over the lazy dog 懒狗 🐶 it goes. '.repeat(20)}END`
  const whole = (first + second).trim()
  const middle = inTwoHalves(first, second)
  await ask(page, 'Write at length')
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}$/)
  await answers(page).getByText('jumps.').first().waitFor()

  await page.reload()
  await answers(page).getByText('jumps.').first().waitFor()
  const other = await context.newPage()
  await other.goto(page.url())
  await answers(other).getByText('jumps.').first().waitFor()

  await context.setOffline(true)
  await page.getByText('You are offline.').waitFor()
  middle.open()
  // Others know that it ended while this browser was away.
  const id = page.url().split('/').at(-1)
  const { token } = { token: await tokenOf(context) }
  await expect.poll(() => statusOfNewest(id ?? '', token), { timeout: 60_000 }).toBe('done')
  await context.setOffline(false)
  for (const tab of [page, other]) {
    await expect.poll(() => finishedAnswer(tab), { timeout: 60_000 }).toBe(whole)
  }
})

/** The cookie's own session, used from outside the browser. */
async function tokenOf(context: Visit['context']): Promise<string> {
  const cookie = (await context.cookies()).find(({ name }) => name === 'banyan_session')
  return cookie?.value ?? ''
}

async function statusOfNewest(id: string, session: string): Promise<string | undefined> {
  const answer = await fetch(`${site.banyan.url}/api/v1/chat/conversations/${id}/messages?limit=1`, {
    headers: { cookie: `banyan_session=${session}` },
  })
  const body = (await answer.json()) as { items: { status: string }[] }
  return body.items[0]?.status
}

test('two browsers of one person see the same conversation live', async () => {
  const { page, person } = await newcomer()
  await ask(page, 'Hello from the first')
  await finishedAnswer(page)
  const second = await site.open()
  await signInQuietly(second, site.banyan, person)
  await second.page.goto(page.url())
  await finishedAnswer(second.page)
  const middle = inTwoHalves('Half of it', ' and the rest')
  await ask(second.page, 'And from the second')
  await questions(page).getByText('And from the second').waitFor()
  await answers(page).getByText('Half of it').waitFor()
  middle.open()
  await answers(page).getByText('and the rest').waitFor()
  expect(await answers(page).count()).toBe(2)
})

test('an input method’s Enter does not send', async () => {
  const { page, context } = await newcomer()
  await composer(page).focus()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Input.imeSetComposition', { text: 'nihao', selectionStart: 5, selectionEnd: 5 })
  await cdp.send('Input.dispatchKeyEvent', {
    type: 'rawKeyDown',
    key: 'Process',
    code: 'Enter',
    windowsVirtualKeyCode: 229,
  })
  await cdp.send('Input.insertText', { text: '你好' })
  await expect.poll(() => composer(page).inputValue(), { timeout: 30_000 }).toBe('你好')
  expect(new URL(page.url()).pathname).toBe('/chat')
  await composer(page).press('Shift+Enter')
  await composer(page).pressSequentially('世界')
  expect(await composer(page).inputValue()).toBe('你好\n世界')
  await composer(page).press('Enter')
  await questions(page).getByText('你好').waitFor()
  expect(await finishedAnswer(page)).toContain('世界')
})

test('search by Ctrl-K finds a word of two Chinese characters', async () => {
  const { page } = await newcomer()
  await ask(page, '明天去杭州看西湖的荷花')
  await finishedAnswer(page)
  await page.getByRole('link', { name: 'New chat' }).click()
  // Until then the composer is still that of the old one.
  await questions(page).waitFor({ state: 'detached' })
  await ask(page, 'Something quite different')
  await answers(page).getByText('Something quite different').waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Search conversations' }).fill('荷花')
  const hit = page.getByRole('option').filter({ hasText: '荷花' }).first()
  await hit.locator('mark').first().waitFor()
  expect(await page.getByRole('option').filter({ hasText: 'Something quite different' }).count()).toBe(0)
  await page.keyboard.press('Enter')
  await questions(page).getByText('明天去杭州看西湖的荷花').waitFor()
})

test('rename, pin, archive, delete and undo', async () => {
  const { page } = await newcomer()
  await ask(page, 'A conversation to keep')
  await finishedAnswer(page)
  const list = page.getByRole('navigation', { name: 'Conversations' })
  // The title is made in the background, and arrives by itself.
  await list.getByRole('link', { name: 'About A conversation to keep' }).waitFor()
  const act = async (title: string, action: string) => {
    await list.getByRole('link', { name: title }).hover()
    await list.getByRole('button', { name: `Actions for “${title}”` }).click()
    await chooseInMenu(page, action)
  }
  await act('About A conversation to keep', 'Rename')
  await page.getByRole('textbox', { name: 'Name this conversation' }).fill('Kept')
  await page.keyboard.press('Enter')
  await list.getByRole('link', { name: 'Kept' }).waitFor()
  await act('Kept', 'Pin')
  await list.getByRole('heading', { name: 'Pinned' }).waitFor()

  await act('Kept', 'Archive')
  await list.getByRole('link', { name: 'Kept' }).waitFor({ state: 'detached' })
  await list.getByRole('button', { name: 'More', exact: true }).click()
  await chooseInMenu(page, 'Archived conversations')
  await act('Kept', 'Take out of the archive')
  await list.getByText('Nothing is archived.').waitFor()
  await list.getByRole('button', { name: 'Back' }).click()
  await list.getByRole('link', { name: 'Kept' }).waitFor()

  await act('Kept', 'Delete')
  await list.getByRole('link', { name: 'Kept' }).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Undo' }).click()
  await list.getByRole('link', { name: 'Kept' }).waitFor()
  await questions(page).getByText('A conversation to keep').waitFor()
})
