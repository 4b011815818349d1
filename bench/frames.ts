import { setTimeout as sleep } from 'node:timers/promises'
import { admin, type ReadyBanyan, startReadyBanyan } from '../e2e/harness/banyan.ts'
import { launchBrowser, signInQuietly, visit } from '../e2e/harness/browser.ts'
import { answers, ask } from '../e2e/harness/chat.ts'
import { startUpstream } from '../e2e/harness/upstream.ts'
import { median, percentile } from './processes.ts'
import type { Figure } from './run.ts'

const messages = 300
const chunks = 500
const paceMs = 20

const paragraph =
  'Merge sort is **stable** and needs $O(n)$ more space; `quickSort` is faster on average. 归并排序是稳定的。\n\n'
const listing = '```ts\nconst [pivot = 0, ...rest] = values\nreturn [...left, pivot, ...right]\n```\n\n'

/** Times between frames in the browser while an answer streams into a conversation of 300 messages. */
export async function benchFrames(): Promise<Figure[]> {
  const upstream = await startUpstream()
  upstream.answerWith(() => [paragraph, listing, paragraph])
  const banyan = await startReadyBanyan(upstream.url, { RATE_LIMIT_AI_PER_MINUTE: '0' })
  const browser = await launchBrowser()
  try {
    const id = await makeConversation(banyan)
    const shown = await visit(browser, banyan)
    await signInQuietly(shown, banyan, admin)
    const { page } = shown
    await page.goto(`/chat/${id}`)
    await answers(page).last().waitFor()
    upstream.answerWith(async function* () {
      const text = (paragraph + listing).repeat(40)
      const length = Math.ceil(text.length / chunks)
      for (let at = 0; at < text.length; at += length) {
        yield text.slice(at, at + length)
        await sleep(paceMs)
      }
    })
    await ask(page, 'Once more, at length')
    await page.locator('article[aria-busy="true"] p').first().waitFor()
    await page.evaluate(`
      globalThis.frameTimes = []
      let last
      const tick = now => {
        if (last !== undefined) frameTimes.push(now - last)
        last = now
        if (document.querySelector('article[aria-busy="true"]')) requestAnimationFrame(tick)
      }
      requestAnimationFrame(tick)`)
    await page.locator('article[aria-busy="true"]').waitFor({ state: 'detached', timeout: 120_000 })
    const times = await page.evaluate<number[]>('frameTimes')
    return figuresOf(times)
  } finally {
    await browser.close()
    await banyan.stop()
    await upstream.stop()
  }
}

function figuresOf(times: readonly number[]): Figure[] {
  const name = `streaming into a conversation of ${messages} messages`
  const total = times.reduce((sum, time) => sum + time, 0)
  const middle = Math.round(median(times) * 10) / 10
  return [
    {
      name: `${name}, frames`,
      value: (times.length / total) * 1000,
      unit: 'frames/s',
      bar: '≥ 60 (median frame ≤ 16.7 ms)',
      reached: middle <= 16.7,
    },
    { name: `${name}, median frame`, value: middle, unit: 'ms' },
    { name: `${name}, 95 % of frames within`, value: percentile(times, 0.95), unit: 'ms' },
  ]
}

async function makeConversation(banyan: ReadyBanyan): Promise<string> {
  const token = banyan.adminToken
  const { id } = await banyan.api<{ id: string }>('POST', '/api/v1/chat/conversations', { token, body: {} })
  type Message = { id: string; status: string }
  for (let index = 0; index < messages / 2; index++) {
    const { assistant_message } = await banyan.api<{ assistant_message: Message }>(
      'POST',
      `/api/v1/chat/conversations/${id}/messages`,
      { token, body: { client_message_id: crypto.randomUUID(), content: `Question number ${index + 1}` } },
    )
    const path = `/api/v1/chat/messages/${assistant_message.id}`
    while ((await banyan.api<Message>('GET', path, { token })).status === 'streaming') await sleep(20)
  }
  return id
}
