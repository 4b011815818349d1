import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { joinPcm } from '#core/speech/resample.ts'
import { writeWav } from '#core/speech/wav.ts'
import { freePort } from '#core/testing/server-process.ts'
import { roomNoise, voiceLike } from '#modules/devices/simulator/sound.ts'
import {
  admin,
  type Banyan,
  makePerson,
  type Person,
  startBanyan,
  startReadyBanyan,
} from './harness/banyan.ts'
import {
  keepPictures,
  type Looks,
  launchBrowser,
  pictures,
  signIn,
  signInQuietly,
  type Visit,
  visit,
} from './harness/browser.ts'
import { faultsOf, prepareChecks, settled } from './harness/page-check.ts'
import { startUpstream, type Upstream, words } from './harness/upstream.ts'

/* The device in the browser. Its microphone plays a voice for a second and a half, is silent for three, and so on. */

const directory = mkdtempSync(join(tmpdir(), 'banyan-virtual-device-'))
const env: Record<string, string> = {
  DATA_DIR: join(directory, 'data'),
  SPEECH_RECOGNIZER: 'scripted',
  SPEECH_SCRIPT: 'Tell me a story.',
}
let banyan: Banyan
let upstream: Upstream
let browser: Browser
const visits: Visit[] = []

beforeAll(async () => {
  // As root, the embedded database runs as another user, who must be able to enter.
  chmodSync(directory, 0o755)
  env.PORT = String(await freePort())
  const recording = join(directory, 'voice.wav')
  writeFileSync(recording, writeWav(joinPcm([voiceLike(1500, 48_000), roomNoise(3000, 48_000)]), 48_000))
  upstream = await startUpstream()
  ;[banyan, browser] = await Promise.all([
    startReadyBanyan(upstream.url, env),
    launchBrowser([
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${recording}`,
      // A name that is not this machine’s own: what comes from it by HTTP is not trusted.
      '--host-resolver-rules=MAP toys.test 127.0.0.1',
    ]),
  ])
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

const story = [
  'Once upon a time there was a banyan tree.',
  ...Array.from({ length: 8 }, (_, n) => `It had bird number ${n + 1} living between its many roots.`),
  'And that was the end of the story.',
].join(' ')

/** Adds up what is given to the loudspeaker. */
const listenIn = `
  window.heard = { seconds: 0, loudest: 0 }
  const { start } = AudioBufferSourceNode.prototype
  AudioBufferSourceNode.prototype.start = function (...when) {
    heard.seconds += this.buffer.duration
    for (const sample of this.buffer.getChannelData(0)) heard.loudest = Math.max(heard.loudest, Math.abs(sample))
    return start.apply(this, when)
  }`
/** A browser as Firefox is on phones: no Opus for pages, and sound at another rate than Opus has. */
const withoutOpus = `
  delete window.AudioEncoder
  delete window.AudioDecoder
  window.AudioContext = class extends AudioContext {
    constructor() { super({ sampleRate: 44100 }) }
  }`

/** A browser whose user thinks about the question for the microphone until `allow()`. */
const askingLong = `
  window.stream = null
  const { getUserMedia } = MediaDevices.prototype
  MediaDevices.prototype.getUserMedia = async function (wanted) {
    await new Promise(resolve => { window.allow = resolve })
    return window.stream = await getUserMedia.call(this, wanted)
  }`

type Start = Visit & { person: Person; workers: string[] }

/** A new person before a device that is switched off. */
async function start({
  looks = {},
  mayRecord = true,
  script = '',
}: {
  looks?: Partial<Looks>
  mayRecord?: boolean
  /** Runs in the page before it. */
  script?: string
}): Promise<Start> {
  const person = await makePerson(banyan, { locale: looks.language ?? 'en' })
  const one = await visit(browser, banyan, looks)
  visits.push(one)
  await one.context.addInitScript({ content: listenIn + script })
  if (mayRecord) await one.context.grantPermissions(['microphone'])
  const workers: string[] = []
  one.page.on('worker', worker => workers.push(worker.url()))
  await prepareChecks(one)
  await signInQuietly(one, banyan, person)
  await one.page.goto('/devices/virtual')
  return { ...one, person, workers }
}

/** Switched on, and added by the digits that it shows, as one does with a device of plastic. */
async function startOwned(options: Parameters<typeof start>[0] = {}): Promise<Start> {
  const one = await start(options)
  await button(one.page, 'Switch on').click()
  await claimByDigits(one)
  await shows(one.page, 'Ready')
  return one
}

async function claimByDigits({ page, person }: Start) {
  const code = await page.getByText(/^\s*\d{6}\s*$/).textContent()
  await banyan.api('POST', '/api/v1/devices/claims', {
    token: person.token,
    body: { code: code?.trim() },
  })
}

const button = (page: Page, name: string) => page.getByRole('button', { name })
const said = (page: Page, who: 'user' | 'device' | 'notice') =>
  page.getByRole('list', { name: 'What was said' }).locator(`[data-who=${who}]`)
const shows = (page: Page, activity: 'Ready' | 'Listening' | 'Thinking' | 'Speaking') =>
  page.getByRole('region', { name: 'Screen of the device' }).getByRole('status').getByText(activity).waitFor()
const heard = (page: Page) => page.evaluate<{ seconds: number; loudest: number }>('heard')
const ask = async (page: Page, text: string) => {
  await page.getByLabel('Or type a question').fill(text)
  await button(page, 'Send').click()
}

test.each([
  { codec: 'the Opus of the browser', hasOpus: true },
  { codec: 'the Opus of the project', hasOpus: false },
])('it is added, hears, answers aloud, and is interrupted: $codec', async ({ hasOpus }) => {
  upstream.answerWith(() => words(story))
  const { page, workers } = await start({ script: hasOpus ? '' : withoutOpus })
  await button(page, 'Switch on').click()
  await button(page, 'Add to my devices').click()
  await shows(page, 'Ready')

  await button(page, 'Speak').click()
  await shows(page, 'Listening')
  await said(page, 'user').getByText('Tell me a story.').waitFor()
  await said(page, 'device').getByText('Once upon a time').waitFor()
  await shows(page, 'Speaking')
  await expect.poll(async () => (await heard(page)).seconds, { timeout: 60_000 }).toBeGreaterThan(2)
  expect((await heard(page)).loudest).toBeGreaterThan(0.05)
  expect(workers.filter(url => url.includes('opus-worker')).length > 0).toBe(!hasOpus)

  upstream.answerWith(() => words('All right.'))
  await button(page, 'Interrupt').click()
  await shows(page, 'Listening')
  expect(await said(page, 'device').getByText('the end of the story').count()).toBe(0)

  // It goes on listening by itself.
  await said(page, 'device').getByText('All right.').waitFor()
  await button(page, 'Stop listening').click()
  await shows(page, 'Ready')
})

test('by button it answers when the button says so; open, a voice interrupts it', async () => {
  upstream.answerWith(() => words('Good question.'))
  const { page } = await startOwned()
  let packets = 0
  page.on('websocket', socket =>
    socket.on('framesent', ({ payload }) => {
      if (typeof payload !== 'string') packets += 1
    }),
  )
  // Connected anew, so that the connection is seen from its beginning.
  await button(page, 'Switch off').click()
  await button(page, 'Switch on').click()
  await page.getByText('By button').click()
  await button(page, 'Speak').click()
  // Five seconds: the voice was in it.
  await expect.poll(() => packets, { timeout: 60_000 }).toBeGreaterThan(83)
  expect(await said(page, 'user').count()).toBe(0)
  await button(page, 'That was all').click()
  await said(page, 'user').getByText('Tell me a story.').waitFor()
  await said(page, 'device').getByText('Good question.').waitFor()
  await shows(page, 'Ready')

  // In the middle of an answer the button interrupts, and listens.
  upstream.answerWith(() => words(story))
  await ask(page, 'A long one, please')
  await shows(page, 'Speaking')
  upstream.answerWith(() => words('As you like.'))
  await button(page, 'Speak').click()
  packets = 0
  await expect.poll(() => packets, { timeout: 60_000 }).toBeGreaterThan(83)
  await button(page, 'That was all').click()
  await said(page, 'device').getByText('As you like.').waitFor()
  await shows(page, 'Ready')

  upstream.answerWith(() => words(story))
  await page.getByText('Open', { exact: true }).click()
  await button(page, 'Speak').click()
  await said(page, 'device').getByText('Once upon a time').nth(1).waitFor()
  await said(page, 'user').getByText('Tell me a story.').nth(3).waitFor()
  expect(await said(page, 'device').getByText('the end of the story').count()).toBe(0)

  // Muted, it sends nothing, not even while it speaks.
  upstream.answerWith(() => words('Nobody listens.'))
  await button(page, 'Stop listening').click()
  await shows(page, 'Ready')
  packets = 0
  await ask(page, 'Are you listening?')
  await said(page, 'device').getByText('Nobody listens.').first().waitFor()
  await shows(page, 'Ready')
  expect(packets).toBe(0)
})

test('a microphone that is allowed after the device was switched off is let go', async () => {
  const { page } = await startOwned({ script: askingLong })
  await button(page, 'Speak').click()
  await expect.poll(() => page.evaluate('typeof allow'), { timeout: 60_000 }).toBe('function')
  await button(page, 'Switch off').click()
  await page.evaluate('allow()')
  await expect
    .poll(() => page.evaluate('stream?.getTracks().map(track => track.readyState)'), { timeout: 60_000 })
    .toEqual(['ended'])
})

test('under plain HTTP there is no microphone; it is typed to, and answers aloud', async () => {
  upstream.answerWith(() => words('I can be heard nevertheless.'))
  const url = banyan.url.replace(/\/\/[^:]+/, '//toys.test')
  const person = await makePerson(banyan)
  const one = await visit(browser, { ...banyan, url })
  visits.push(one)
  const { page, context } = one
  await context.addInitScript({ content: listenIn })
  await signIn(page, person.username, person.password)
  // That nobody was signed in.
  one.complaints()
  await page.goto('/devices/virtual')
  await button(page, 'Switch on').click()
  await button(page, 'Add to my devices').click()
  await shows(page, 'Ready')
  await page.getByText('only when this site is opened by HTTPS').waitFor()
  expect(await button(page, 'Speak').count()).toBe(0)
  await ask(page, 'Can I hear you?')
  await said(page, 'device').getByText('I can be heard nevertheless.').waitFor()
  await expect.poll(async () => (await heard(page)).seconds, { timeout: 60_000 }).toBeGreaterThan(1)
})

test('without the microphone one types; once it is allowed, one speaks', async () => {
  upstream.answerWith(question => words(`You asked me: ${question}`))
  const { page, context } = await startOwned({ mayRecord: false })
  await button(page, 'Speak').click()
  await page.getByText('The browser has no permission to use the microphone').waitFor()
  await ask(page, 'Can you read this?')
  await said(page, 'user').getByText('Can you read this?').waitFor()
  await said(page, 'device').getByText('You asked me: Can you read this?').waitFor()
  await shows(page, 'Ready')
  expect((await heard(page)).seconds).toBeGreaterThan(1)
  // What would wake a device of plastic is a question here.
  await ask(page, 'Computer')
  await said(page, 'device').getByText('You asked me: Computer').waitFor()
  await shows(page, 'Ready')

  await context.grantPermissions(['microphone'])
  await button(page, 'Speak').click()
  await said(page, 'user').getByText('Tell me a story.').waitFor()
  await page.getByText('The browser has no permission').waitFor({ state: 'detached' })

  // The same device in a second tab takes its place.
  const other = await context.newPage()
  await other.goto('/devices/virtual')
  await button(other, 'Switch on').click()
  await shows(other, 'Ready')
  await page.getByText('Switched on in another tab or window').waitFor()
})

const texts = {
  en: { on: 'Switch on', type: 'Or type a question', send: 'Send', off: 'Off' },
  'zh-CN': { on: '开机', type: '也可以打字问它', send: '发送', off: '已关机' },
}

test.each([
  { language: 'zh-CN', width: 1440, theme: 'light' },
  { language: 'en', width: 390, theme: 'light' },
  { language: 'zh-CN', width: 390, theme: 'dark' },
  { language: 'en', width: 1440, theme: 'dark' },
] as const)('how it looks: $language, $width px, $theme', async looks => {
  const { language, width, theme } = looks
  const answer = {
    en: 'It is a fig tree 😊 whose branches send down roots. A single one can look like a whole forest.',
    'zh-CN': '榕树是一种会独木成林的树😊，枝条上垂下许多气根。很多小鸟住在上面。',
  }[language]
  upstream.answerWith(() => words(answer))
  const one = await start({ looks, mayRecord: false })
  const { page } = one
  const directory = join(pictures, 'virtual-device')
  mkdirSync(directory, { recursive: true })
  const faults: string[] = []
  const look = async (name: string) => {
    await settled(one)
    await page.screenshot({ path: join(directory, `${name}-${language}-${width}-${theme}.png`) })
    faults.push(...(await faultsOf(one, false)).map(fault => `${name}: ${fault}`))
  }
  await look('off')
  await button(page, texts[language].on).click()
  await page.getByText(/^\s*\d{6}\s*$/).waitFor()
  await look('unclaimed')
  await claimByDigits(one)
  const field = page.getByLabel(texts[language].type)
  await field.waitFor()
  await look('on')
  await page.locator('button', { has: page.locator('.anticon-audio') }).click()
  await page.getByRole('alert').waitFor()
  await field.fill(language === 'en' ? 'What is a banyan?' : '什么是榕树？')
  await button(page, texts[language].send).click()
  await page.locator('[data-who=device]').first().waitFor()
  await look('speaking')
  expect(faults).toEqual([])
})

test('the server goes away and comes back', async () => {
  upstream.answerWith(() => words('Here I am again.'))
  const one = await startOwned()
  const { page } = one
  await button(page, 'Speak').click()
  await shows(page, 'Listening')
  await banyan.stop()
  await page.getByText('The connection is lost').waitFor()
  await button(page, 'Connect again').click()
  await page.getByRole('alert').waitFor()
  await page.getByText('The connection is lost').waitFor()

  banyan = await startBanyan({ ...env, ADMIN_EMAIL: admin.name, ADMIN_PASSWORD: admin.password })
  await button(page, 'Connect again').click()
  await shows(page, 'Ready')
  await ask(page, 'Are you there?')
  await said(page, 'device').getByText('Here I am again.').waitFor()
  const others = one.complaints().filter(text => !/ERR_CONNECTION|WebSocket connection to/.test(text))
  expect(others).toEqual([])
})
