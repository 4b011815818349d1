import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { makePerson } from './harness/banyan.ts'
import { signInQuietly } from './harness/browser.ts'
import { answers, ask, chooseInMenu, finishedAnswer, openNewChat, questions } from './harness/chat.ts'
import { useSite } from './harness/site.ts'
import { gate, words } from './harness/upstream.ts'

const site = useSite({ mayComplain: /the server responded with a status of 40[14]/ })
afterEach(() => {
  site.upstream.answerWith(question => words(`You asked: ${question}`))
})

async function newcomer() {
  const person = await makePerson(site.banyan)
  const first = await site.open()
  await signInQuietly(first, site.banyan, person)
  await openNewChat(first.page)
  return { ...first, person }
}

const list = (page: Page) => page.getByRole('navigation', { name: 'Conversations' })

async function openMore(page: Page, entry: string): Promise<void> {
  await list(page).getByRole('button', { name: 'More', exact: true }).click()
  await chooseInMenu(page, entry)
}

test('a text file goes to the model with the question', async () => {
  const { page } = await newcomer()
  let given = ''
  site.upstream.answerWith(question => {
    given = question
    return ['Read it.']
  })
  const choosing = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Add pictures or files' }).click()
  await (await choosing).setFiles({
    name: '会议.md',
    mimeType: 'text/markdown',
    buffer: Buffer.from('# 会议\n\n下周三发布。'),
  })
  const files = page.getByRole('list', { name: 'Files' })
  // Its size stands there once it is uploaded.
  await files.getByText('28 bytes').waitFor()
  await ask(page, 'When do we publish?')
  expect(await finishedAnswer(page)).toBe('Read it.')
  expect(given).toContain('下周三发布')
  await questions(page).getByText('会议.md').waitFor()
})

test('a share link is read by somebody who is not signed in, until it is revoked', async () => {
  const { page } = await newcomer()
  await ask(page, 'Something to show')
  await finishedAnswer(page)
  await page.getByRole('button', { name: 'Share' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Create a link' }).click()
  const link = await dialog.getByRole('link').getAttribute('href')

  const stranger = await site.open()
  await stranger.page.goto(link ?? '')
  await stranger.page.getByText('You asked: Something to show').waitFor()
  await stranger.page.getByText('Shared, read-only').waitFor()
  expect(await stranger.page.getByRole('textbox').count()).toBe(0)

  await dialog.getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('The link no longer works.').waitFor()
  await stranger.page.reload()
  await stranger.page.getByText('This link no longer works').waitFor()
})

test('what one person exports another can import', async () => {
  const { page } = await newcomer()
  await ask(page, 'Take me elsewhere')
  await finishedAnswer(page)
  // The other one finds it by its title, which is made in the background.
  await list(page).getByRole('link', { name: 'About Take me elsewhere' }).waitFor()
  await page.getByRole('button', { name: 'Conversation actions' }).click()
  await page.getByRole('menuitem').getByText('Export', { exact: true }).hover()
  const download = page.waitForEvent('download')
  await chooseInMenu(page, 'JSON file (complete)')
  const file = await (await download).path()
  expect(await readFile(file, 'utf8')).toContain('Take me elsewhere')

  const other = await newcomer()
  await openMore(other.page, 'Import conversations')
  await other.page
    .getByRole('dialog')
    .locator('input[type=file]')
    .setInputFiles({
      name: 'conversation.json',
      mimeType: 'application/json',
      buffer: await readFile(file),
    })
  await other.page.getByText('Imported 1 conversation with 2 messages.').waitFor()
  await other.page.keyboard.press('Escape')
  await list(other.page)
    .getByRole('link')
    .filter({ hasText: /elsewhere/ })
    .click()
  await answers(other.page).getByText('You asked: Take me elsewhere').waitFor()
})

test('a bot answers by its own prompt', async () => {
  const { page } = await newcomer()
  await page.getByRole('link', { name: 'Bots' }).click()
  await page.getByRole('button', { name: 'New bot' }).first().click()
  await page.getByLabel('Name', { exact: true }).fill('Translator')
  await page.getByLabel('Prompt', { exact: true }).fill('You translate into French.')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: 'Translator' }).waitFor()
  // The question may be there before the bot is.
  const asked = gate()
  await page.route(/\/chat\/bots\/[0-9a-f-]{36}$/, async route => {
    await asked.opened
    await route.continue()
  })
  await page.getByRole('link', { name: 'Start a chat' }).click()
  let system = ''
  site.upstream.answerWith((_, request) => {
    system = JSON.stringify(request.body?.messages)
    return ['Bonjour.']
  })
  await ask(page, 'Good morning')
  asked.open()
  expect(await finishedAnswer(page)).toBe('Bonjour.')
  expect(system).toContain('You translate into French.')
})

test('a folder takes a conversation in and gives it back', async () => {
  const { page } = await newcomer()
  await ask(page, 'Put me away')
  await finishedAnswer(page)
  const title = 'About Put me away'
  await list(page).getByRole('link', { name: title }).waitFor()
  await openMore(page, 'New folder')
  await page.getByLabel('Folder name').fill('Work')
  await page.keyboard.press('Enter')
  await list(page).getByRole('button', { name: 'Work', exact: false }).first().waitFor()

  await page.getByRole('button', { name: 'Conversation actions' }).click()
  await page.getByRole('menuitem').getByText('Move to folder', { exact: true }).hover()
  await chooseInMenu(page, 'Work')
  await list(page).getByRole('link', { name: title }).waitFor({ state: 'detached' })
  await list(page).locator('button[aria-expanded="false"]').filter({ hasText: 'Work' }).click()
  await list(page).getByRole('link', { name: title }).waitFor()

  await list(page).getByRole('button', { name: 'Actions for “Work”' }).click()
  await chooseInMenu(page, 'Delete folder')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete folder' }).click()
  await list(page).getByText('Work', { exact: true }).waitFor({ state: 'detached' })
  await list(page).getByRole('link', { name: title }).waitFor()
})
