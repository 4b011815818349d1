import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Banyan } from './banyan.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const launchBrowser = (more: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [...flags, ...more],
  })

export type Looks = { language: 'zh-CN' | 'en'; theme: 'light' | 'dark'; width: 1440 | 390 | 360 }

export type Visit = {
  context: BrowserContext
  page: Page
  /** What the browser complained about since the last call: console errors, uncaught errors, refused content. */
  complaints(): string[]
}

/** A browser of its own: nobody is signed in, nothing is remembered. */
export async function visit(browser: Browser, banyan: Banyan, looks: Partial<Looks> = {}): Promise<Visit> {
  const { language = 'en', theme = 'light', width = 1440 } = looks
  const context = await browser.newContext({
    baseURL: banyan.url,
    locale: language,
    timezoneId: 'Asia/Shanghai',
    colorScheme: theme,
    reducedMotion: 'reduce',
    viewport: { width, height: width === 1440 ? 900 : 844 },
    isMobile: width < 1440,
    hasTouch: width < 1440,
    // A worker of the app would answer before the routes that tests put in between.
    serviceWorkers: 'block',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(60_000)
  const found: string[] = []
  const watch = (page: Page) => {
    page.on('console', message => {
      if (message.type() === 'error') found.push(`${message.text()} (${message.location().url})`)
    })
    page.on('pageerror', error => found.push(`uncaught: ${error.message}`))
  }
  context.on('page', watch)
  const page = await context.newPage()
  return { context, page, complaints: () => found.splice(0) }
}

/** Gives a browser a session, as if somebody had signed in with it. */
export async function signInQuietly(
  { context }: Visit,
  banyan: Banyan,
  person: { username?: string; name?: string; password: string },
): Promise<void> {
  const answer = await context.request.post(`${banyan.url}/api/v1/auth/login`, {
    headers: { origin: banyan.url },
    data: { name: person.username ?? person.name, password: person.password, mode: 'cookie' },
  })
  expect(answer.status()).toBe(200)
}

/** Signs in as a person does. */
export async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('User name, e-mail or phone').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('link', { name: 'New chat' }).waitFor()
}

export const pictures = fileURLToPath(new URL('../screenshots/', import.meta.url))

/** What the browsers showed when a test failed, in `e2e/screenshots/failed`. */
export async function keepPictures(test: string, visits: readonly Visit[]): Promise<void> {
  const pages = visits.flatMap(({ context }) => context.pages())
  for (const [index, page] of pages.entries()) {
    const name = `${test.replaceAll(/[^\p{L}\d]+/gu, '-').slice(0, 60)}-${index + 1}.png`
    await page.screenshot({ path: join(pictures, 'failed', name) }).catch(() => {})
  }
}
