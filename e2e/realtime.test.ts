import type { Page, Request } from 'playwright-core'
import { expect, test } from 'vitest'
import { makePerson } from './harness/banyan.ts'
import { signInQuietly, type Visit } from './harness/browser.ts'
import { answers, ask, finishedAnswer, openNewChat } from './harness/chat.ts'
/* Live updates where the network is not kind to WebSockets. */
import { useSite } from './harness/site.ts'
import { gate, words } from './harness/upstream.ts'

const site = useSite()

/** A new person in a browser whose WebSockets are prepared by the test, before the page opens any. */
async function newcomer(prepare: (visit: Visit) => Promise<unknown>) {
  const opened = await site.open()
  await prepare(opened)
  await signInQuietly(opened, site.banyan, await makePerson(site.banyan))
  await openNewChat(opened.page)
  return opened.page
}

/** Asks a question whose answer stops half way, and from there on can only come live: nothing else gets through. */
async function streamsLive(page: Page, first: string, second: string, { isNew }: { isNew: boolean }) {
  const reading = /\/api\/v1\/chat\/(messages|conversations)\//
  const underWay = new Set<Request>()
  page.on('request', request => reading.test(request.url()) && underWay.add(request))
  const isOver = (request: Request) => underWay.delete(request)
  page.on('requestfinished', isOver)
  page.on('requestfailed', isOver)
  // A conversation that is new to the page is read again once it is heard live.
  const isHeard = isNew
    ? page.waitForResponse(
        answer => answer.request().method() === 'GET' && /\/conversations\/[^/]+$/.test(answer.url()),
      )
    : null
  const middle = gate()
  site.upstream.answerWith(async function* () {
    yield* words(first)
    await middle.opened
    yield* words(` ${second}`)
  })
  await ask(page, `Say ${first}`)
  await answers(page).last().getByText(first).waitFor()
  await isHeard
  await expect.poll(() => underWay.size, { timeout: 60_000 }).toBe(0)
  let reads = 0
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
  await streamsLive(page, 'one two', 'three four', { isNew: true })
  // A new conversation is a channel more, and takes a new stream.
  expect(streams.length).toBeGreaterThan(0)

  isBlocked = false
  await page.evaluate("dispatchEvent(new Event('online'))")
  await expect.poll(() => passed, { timeout: 60_000 }).toBe(1)
  streams.length = 0
  await streamsLive(page, 'five six', 'seven eight', { isNew: false })
  expect(streams).toEqual([])
})

test('what happened before the connection stood is shown once it stands', async () => {
  const held = gate()
  const page = await newcomer(({ context }) =>
    context.routeWebSocket(/\/realtime\/ws/, async socket => {
      await held.opened
      socket.connectToServer()
    }),
  )
  await page.route(/\/realtime\/stream/, async route => {
    await held.opened
    await route.continue()
  })
  site.upstream.answerWith(question => words(`You asked: ${question}`))
  await ask(page, 'Anybody there?')
  await finishedAnswer(page)
  const titles = async () => {
    const answer = await page.request.get('/api/v1/chat/conversations')
    return ((await answer.json()) as { items: { title: string | null }[] }).items.map(({ title }) => title)
  }
  await expect.poll(titles, { timeout: 60_000 }).toEqual(['About Anybody there?'])
  held.open()
  const list = page.getByRole('navigation', { name: 'Conversations' })
  await list.getByRole('link', { name: 'About Anybody there?' }).waitFor()
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
  await streamsLive(page, 'one two', 'three four', { isNew: true })
})
