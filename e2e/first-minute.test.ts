import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Banyan, startBanyan } from './harness/banyan.ts'
import { keepPictures, launchBrowser, type Visit, visit } from './harness/browser.ts'
import { bodyOf } from './harness/chat.ts'
import { gate, startUpstream, type Upstream } from './harness/upstream.ts'

let banyan: Banyan
let upstream: Upstream
let browser: Browser
const visits: Visit[] = []

beforeAll(async () => {
  ;[banyan, upstream, browser] = await Promise.all([startBanyan(), startUpstream(), launchBrowser()])
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepPictures(task.name, visits)
})
afterAll(async () => {
  await browser?.close()
  await Promise.all([banyan?.stop(), upstream?.stop()])
})

test('from the printed link to a streamed answer, in Chinese', async () => {
  const link = /http\S+\/sign-in\/link#token=\S+/.exec(banyan.output())?.[0] ?? ''
  const first = await visit(browser, banyan, { language: 'zh-CN' })
  visits.push(first)
  const { page } = first
  const answers = page.getByRole('article', { name: '回答' })
  const isOver = (at: number) => answers.nth(at).getByRole('button', { name: '重新生成' }).waitFor()

  await page.goto(link)
  await page.getByRole('heading', { name: '设置密码' }).waitFor()
  expect(page.url()).not.toContain('token')
  await page.getByLabel('新密码').fill('short')
  await page.getByRole('button', { name: '设置密码并进入' }).click()
  await page.locator('input[aria-invalid="true"]').waitFor()
  await page.getByLabel('新密码').fill('Correct-horse-7')
  await page.getByRole('button', { name: '设置密码并进入' }).click()

  // Without a model, the page says so, and what answers is honest about itself.
  await page.getByText('还没有接入语言模型').waitFor()
  await page.getByRole('button', { name: /总结一段文字/ }).click()
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}$/)
  await isOver(0)
  expect(await bodyOf(answers.nth(0))).toContain('没有使用语言模型')

  await page.goto('/chat')
  await page.getByRole('link', { name: '接入模型' }).click()
  await page.getByRole('radio', { name: /OpenAI-compatible/ }).check()
  await page.getByLabel('接口地址').fill(`${upstream.url}/v1`)
  await page.getByLabel('API 密钥').fill('sk-first-minute-0001')
  await page.getByRole('button', { name: '测试', exact: true }).click()
  const result = page.getByRole('status').filter({ hasText: '测试通过' })
  await result.getByText('fake-large').waitFor()
  await page.getByRole('button', { name: '保存并启用' }).click()
  await page.getByText('它的模型现在就能使用').waitFor()
  await page.getByText('默认模型：fake-large').waitFor()
  await page.getByRole('link', { name: '开始聊天' }).first().click()

  const middle = gate()
  upstream.answerWith(async function* () {
    yield 'The first half, '
    await middle.opened
    yield 'and the second.'
  })
  const composer = page.getByRole('textbox', { name: '消息', exact: true })
  await composer.fill('在吗？')
  await page.getByText('还没有接入语言模型').waitFor({ state: 'detached' })
  await composer.press('Enter')
  await answers.getByText('The first half,').waitFor()
  middle.open()
  await isOver(0)
  expect(await bodyOf(answers.nth(0))).toBe('The first half, and the second.')
  expect(first.complaints().filter(text => !/a status of 401/.test(text))).toEqual([])

  // The link is spent.
  const second = await visit(browser, banyan, { language: 'zh-CN' })
  visits.push(second)
  await second.page.goto(link)
  await second.page.getByText('登录链接不能使用').waitFor()
})
