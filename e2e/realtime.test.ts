import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { makePerson, type ReadyBanyan, startReadyBanyan } from './harness/banyan.ts'
import { keepPictures, launchBrowser, signInQuietly, type Visit, visit } from './harness/browser.ts'
import { answers, ask, finishedAnswer, openNewChat } from './harness/chat.ts'
import { gate, startUpstream, type Upstream, words } from './harness/upstream.ts'

/* Live updates where the network is not kind to WebSockets. */
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

/** A new person in a browser whose WebSockets are prepared by the test, before the page opens any. */
async function newcomer(prepare: (visit: Visit) => Promise<unknown>) {
  const opened = await visit(browser, banyan)
  visits.push(opened)
  await prepare(opened)
  await signInQuietly(opened, banyan, await makePerson(banyan))
  await openNewChat(opened.page)
  return opened.page
}

/** Asks a question whose answer stops half way, and from there on can only come live: nothing else gets through. */
async function streamsLive(page: Page, first: string, second: string) {
  const middle = gate()
  upstream.answerWith(async function* () {
    yield* words(first)
    await middle.opened
    yield* words(` ${second}`)
  })
  await ask(page, `Say ${first}`)
  await answers(page).last().getByText(first).waitFor()
  let reads = 0
  const reading = /\/api\/v1\/chat\/(messages|conversations)\//
  await page.route(reading, route => {
    reads += 1
    return route.abort()
  })
  middle.open()
  await answers(page).last().getByText(`${first} ${second}`, { exact: true }).waitFor()
  expect(reads).toBe(0)
  await page.unroute(reading)
  expect(await finishedAnswer(page)).toBe(`${first} ${second}`)
}

test('an answer streams live where a proxy closes every WebSocket, and by WebSocket once it lets them through', async () => {
  let isBlocked = true
  let passed = 0
  const page = await newcomer(({ context }) =>
    context.routeWebSocket(/\/realtime\/ws/, socket => {
      if (isBlocked) return void socket.close()
      passed += 1
      socket.connectToServer()
    }),
  )
  const streams: string[] = []
  page.on('request', request => {
    if (request.url().endsWith('/realtime/stream')) streams.push(request.url())
  })
  await streamsLive(page, 'one two', 'three four')
  // A new conversation is a channel more, and takes a new stream.
  expect(streams.length).toBeGreaterThan(0)

  isBlocked = false
  await page.evaluate("dispatchEvent(new Event('online'))")
  await expect.poll(() => passed).toBe(1)
  streams.length = 0
  await streamsLive(page, 'five six', 'seven eight')
  expect(streams).toEqual([])
})

test('an answer streams live in a browser in which WebSockets cannot be made at all', async () => {
  const page = await newcomer(({ context }) =>
    context.addInitScript(() => {
      Object.assign(globalThis, {
        WebSocket: class {
          constructor() {
            throw new DOMException('blocked', 'SecurityError')
          }
        },
      })
    }),
  )
  await streamsLive(page, 'one two', 'three four')
})
