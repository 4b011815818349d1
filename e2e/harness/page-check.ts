import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { expect } from 'vitest'
import type { Visit } from './browser.ts'

const inPage = fileURLToPath(new URL('in-page.js', import.meta.url))

/** Makes the checks possible in every page that this browser opens from now on. */
export const prepareChecks = ({ context }: Visit): Promise<unknown> => context.addInitScript({ path: inPage })

/** Waits until the page shows what it has to show. (`waitForFunction` would need what the app's CSP forbids.) */
export async function settled({ page }: Visit): Promise<void> {
  const isSettled = () => page.evaluate<boolean>('inPage.isSettled()')
  await expect.poll(isSettled, { timeout: 60_000 }).toBe(true)
  await page.waitForLoadState('networkidle')
  await expect.poll(isSettled, { timeout: 60_000 }).toBe(true)
}

/** What is not the page's fault. */
const known = [
  // How the app finds out that nobody is signed in.
  /status of 401 .*\/users\/me\)$/,
  // Ant Design puts the button for tabs that do not fit inside the list of tabs.
  /^axe aria-required-children \(1\): \.ant-tabs-nav: /,
]

/** What is wrong with the page as it is shown now; empty when it is fine. `isEmpty`: people have written nothing on it. */
export async function faultsOf(
  { page, complaints }: Visit,
  isErrorExpected: boolean,
  isEmpty = false,
): Promise<string[]> {
  const found = complaints().filter(
    text => !(isErrorExpected && /the server responded with a status of 5/.test(text)),
  )
  const foreign = await page.evaluate<string[]>(`inPage.foreignNames(${isEmpty})`)
  const keys = await page.evaluate<string[]>('inPage.rawKeys()')
  await page.evaluate(axe.source)
  const all = [
    ...found,
    ...keys.map(key => `a raw key: ${key}`),
    ...foreign.map(name => `a name in another language: ${name}`),
    ...((await isTooWide({ page })) ? ['scrolls sideways'] : []),
    ...(await page.evaluate<string[]>('inPage.axeFaults()')),
  ]
  return all.filter(fault => !known.some(pattern => pattern.test(fault)))
}

export const isTooWide = async ({ page }: Pick<Visit, 'page'>): Promise<boolean> =>
  (await page.evaluate<number>('inPage.sideways()')) > 0
