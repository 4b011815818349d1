import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Route } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin, type ReadyBanyan, startReadyBanyan } from './harness/banyan.ts'
import { type Looks, launchBrowser, pictures, signInQuietly, type Visit, visit } from './harness/browser.ts'
import { type Filled, fill } from './harness/fill.ts'
import { faultsOf, isTooWide, prepareChecks, settled } from './harness/page-check.ts'
import { startUpstream, type Upstream } from './harness/upstream.ts'

type State = 'empty' | 'full' | 'error'
type Variant = Looks & { state: State }
/** Where a page is; `null` where it has no such state. */
type Place = { name: string; path: (filled: Filled | null) => string | null; isPublic?: boolean }

const at = (name: string, path: string): Place => ({ name, path: () => path })
const guest = (name: string, path: string): Place => ({ ...at(name, path), isPublic: true })

const places: readonly Place[] = [
  guest('sign-in', '/sign-in'),
  guest('sign-up', '/sign-up'),
  guest('forgot-password', '/forgot-password'),
  guest('reset-password', '/reset-password#token=x'),
  guest('verify-email', '/verify-email#token=x'),
  { name: 'share', path: filled => filled && `/share/${filled.share}`, isPublic: true },
  at('chat', '/chat'),
  { name: 'conversation', path: filled => filled && `/chat/${filled.conversation}` },
  at('bots', '/chat/bots'),
  at('memories', '/chat/memories'),
  at('cards-collection', '/cards/collection'),
  at('cards-redeem', '/cards/redeem'),
  at('cards-templates', '/cards/templates'),
  { name: 'cards-template', path: filled => filled && `/cards/templates?template=${filled.template}` },
  at('cards-template-new', '/cards/templates?template=new'),
  at('cards-categories', '/cards/categories'),
  at('cards-category-new', '/cards/categories?category=new'),
  at('cards-batches', '/cards/batches'),
  { name: 'cards-batch', path: filled => filled && `/cards/batches?batch=${filled.batch}` },
  at('cards-batch-new', '/cards/batches?batch=new'),
  at('cards-analytics', '/cards/analytics'),
  at('cards-usage', '/cards/usage'),
  { name: 'cards-use', path: filled => filled && `/cards/usage?use=${filled.use}` },
  at('cards-verify', '/cards/usage?verify=all'),
  at('achievements', '/achievements'),
  at('achievements-points', '/achievements?points=all'),
  at('achievements-leaderboard', '/achievements/leaderboard'),
  at('achievements-manage', '/achievements/manage'),
  at('achievement-new', '/achievements/manage/new'),
  { name: 'achievement', path: filled => filled && `/achievements/manage/${filled.achievement}` },
  at('devices', '/devices'),
  at('devices-add', '/devices/add'),
  at('devices-virtual', '/devices/virtual'),
  at('devices-library', '/devices/library'),
  { name: 'devices-piece', path: filled => filled && `/devices/library?piece=${filled.piece}` },
  ...['general', 'settings', 'commands', 'family', 'history'].map(tab => ({
    name: `device-${tab}`,
    path: (filled: Filled | null) => filled && `/devices/my/${filled.device}?tab=${tab}`,
  })),
  at('devices-registrations', '/devices/admin/registrations'),
  at('devices-batches', '/devices/admin/batches'),
  { name: 'devices-batch', path: filled => filled && `/devices/admin/batches/${filled.deviceBatch}` },
  at('devices-types', '/devices/admin/types'),
  at('devices-speed', '/devices/admin/speed'),
  at('devices-firmware', '/devices/admin/firmware'),
  at('devices-groups', '/devices/admin/groups'),
  at('devices-broadcasts', '/devices/admin/broadcasts'),
  at('settings', '/settings'),
  at('settings-profile', '/settings/profile'),
  at('settings-preferences', '/settings/preferences'),
  at('settings-security', '/settings/security'),
  at('settings-tokens', '/settings/tokens'),
  at('settings-sign-ins', '/settings/sign-ins'),
  at('settings-organisations', '/settings/organisations'),
  {
    name: 'settings-organisation',
    path: filled => filled && `/settings/organisations/${filled.organisation}`,
  },
  at('admin-setup', '/admin/setup'),
  at('admin-users', '/admin/users'),
  { name: 'admin-user', path: filled => filled && `/admin/users?user=${filled.user}` },
  at('admin-roles', '/admin/roles'),
  at('admin-plans', '/admin/plans'),
  at('admin-plan', '/admin/plans?plan=vip'),
  at('admin-plan-people', '/admin/plans?plan=vip&tab=people'),
  at('admin-plan-new', '/admin/plans?plan=new'),
  at('admin-sign-up', '/admin/sign-up'),
  at('admin-providers', '/admin/providers'),
  at('admin-models', '/admin/models'),
  at('admin-spend', '/admin/spend'),
  at('admin-usage', '/admin/usage'),
  at('admin-jobs', '/admin/jobs'),
  at('admin-health', '/admin/health'),
  at('admin-mailbox', '/admin/mailbox'),
  at('not-found', '/nowhere'),
]

const languages = ['zh-CN', 'en'] as const
const widths = [1440, 390] as const
const themes = ['light', 'dark'] as const

/** Every variant, or the six in which any two choices meet. */
const variants: readonly Variant[] = process.env.E2E_ALL
  ? (['empty', 'full', 'error'] as const).flatMap(state =>
      languages.flatMap(language =>
        widths.flatMap(width => themes.map(theme => ({ state, language, width, theme }))),
      ),
    )
  : [
      { state: 'empty', language: 'zh-CN', width: 1440, theme: 'light' },
      { state: 'empty', language: 'en', width: 390, theme: 'dark' },
      { state: 'full', language: 'zh-CN', width: 390, theme: 'dark' },
      { state: 'full', language: 'en', width: 1440, theme: 'light' },
      { state: 'error', language: 'zh-CN', width: 390, theme: 'light' },
      { state: 'error', language: 'en', width: 1440, theme: 'dark' },
    ]

let banyan: ReadyBanyan
let upstream: Upstream
let browser: Browser
let filled: Filled | null = null

beforeAll(async () => {
  upstream = await startUpstream()
  ;[banyan, browser] = await Promise.all([startReadyBanyan(upstream.url), launchBrowser()])
})
afterAll(async () => {
  await browser?.close()
  await banyan?.stop()
  await upstream?.stop()
})

// In this order: the data directory is empty until the first variant that is not.
for (const variant of variants) {
  const { state, language, width, theme } = variant
  test(`pages, ${state}, ${language}, ${width} px, ${theme}`, async () => {
    if (state !== 'empty') filled ??= await fill(banyan, upstream)
    const token = await banyan.token(admin.name, admin.password)
    await banyan.api('PATCH', '/api/v1/users/me', { token, body: { locale: language } })
    const [inside, outside] = [await visit(browser, banyan, variant), await visit(browser, banyan, variant)]
    await Promise.all([prepareChecks(inside), prepareChecks(outside), signInQuietly(inside, banyan, admin)])
    const faults: Record<string, string[]> = {}
    for (const place of places) {
      const path = place.path(filled)
      if (path === null) continue
      const shown = place.isPublic ? outside : inside
      if (state === 'error') await shown.context.route(/\/api\/v1\//, fail)
      const found = await look(shown, path, `${place.name}-${state}-${language}-${width}-${theme}`, variant)
      if (found.length > 0) faults[place.name] = found
    }
    await inside.context.close()
    await outside.context.close()
    expect(faults).toEqual({})
    // Some seventy pages.
  }, 900_000)
}

async function look(shown: Visit, path: string, name: string, { state, width }: Variant): Promise<string[]> {
  const { page } = shown
  await page.goto(path)
  await settled(shown)
  const directory = join(pictures, state)
  mkdirSync(directory, { recursive: true })
  await page.screenshot({ path: join(directory, `${name}.png`) })
  const found = await faultsOf(shown, state === 'error', state === 'empty')
  if (width !== 390) return found
  // The narrowest phone.
  await page.setViewportSize({ width: 360, height: 740 })
  const isWide = await isTooWide(shown)
  await page.setViewportSize({ width, height: 844 })
  return isWide ? [...found, 'scrolls sideways at 360 px'] : found
}

/** Everything fails but what tells who one is. */
function fail(route: Route): Promise<void> {
  const { pathname } = new URL(route.request().url())
  if (pathname === '/api/v1/users/me') return route.continue()
  return route.fulfill({
    status: 500,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      type: 'about:blank',
      title: 'Internal error',
      status: 500,
      code: 'internal',
      detail: 'Something went wrong here.',
      request_id: '0192f0c1-7c1e-7000-8000-0123456789ab',
    }),
  })
}
