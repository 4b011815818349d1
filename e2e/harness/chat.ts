import type { Locator, Page } from 'playwright-core'

export const composer = (page: Page): Locator => page.getByRole('textbox', { name: 'Message', exact: true })

export const answers = (page: Page): Locator => page.getByRole('article', { name: 'Answer' })

export const questions = (page: Page): Locator => page.getByRole('article', { name: 'Your question' })

export const stopButton = (page: Page): Locator => page.getByRole('button', { name: 'Stop', exact: true })

export async function ask(page: Page, text: string): Promise<void> {
  await composer(page).fill(text)
  // Enter does nothing before the last question is through.
  await page.getByRole('button', { name: 'Send', exact: true, disabled: false }).last().waitFor()
  await composer(page).press('Enter')
}

/** Waits until the answer at a place is over, and gives its text. */
export async function finishedAnswer(page: Page, at = -1): Promise<string> {
  const answer = at === -1 ? answers(page).last() : answers(page).nth(at)
  await answer.getByRole('button', { name: 'Regenerate' }).waitFor()
  return bodyOf(answer)
}

/** The written part of an answer, without the buttons under it. */
export const bodyOf = (answer: Locator): Promise<string> =>
  answer
    .locator('p, pre, li')
    .allInnerTexts()
    .then(texts => texts.join('\n'))

/** Opens a chat that is not begun yet. */
export async function openNewChat(page: Page): Promise<void> {
  await page.goto('/chat')
  await composer(page).waitFor()
}

/** Clicks an entry of the menu that is open. */
export const chooseInMenu = (page: Page, text: string): Promise<void> =>
  page.getByRole('menuitem').getByText(text, { exact: true }).filter({ visible: true }).click()
