import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createSecrets } from '#core/security/secrets.ts'
import { answerSteps } from '#core/testing/fake-openai.ts'
import { createShares, type Share, type SharedConversation } from './shares.ts'
import type { ChatTables } from './tables.ts'
import { type ChatApp, signUpForChat, startChatApp } from './testing.ts'

let app: ChatApp
beforeAll(async () => {
  app = await startChatApp({
    script: request =>
      JSON.stringify(request.body?.messages).includes('take your time')
        ? { steps: [{ text: 'Hm' }, { pause: 600_000 }] }
        : { steps: answerSteps('Hello from the fake.', { prompt_tokens: 7, completion_tokens: 5 }) },
  })
})
afterAll(() => app.stop())

const open = (share: Share) =>
  app.fetch(`/api/v1/chat/shared/${share.url_path.slice('/share/'.length)}`, {
    headers: { 'accept-language': 'en' },
  })
const textsOf = async (share: Share) =>
  ((await (await open(share)).json()) as SharedConversation).messages.map(message => message.content)

test('a link shows the branch as it was shared, to anyone, until it is revoked', async () => {
  const { chat, user } = await signUpForChat(app)
  const { id } = await chat.begin({ title: 'Trees' })
  const path = `/conversations/${id}/shares`
  expect(await chat.call('POST', path)).toMatchObject({
    status: 409,
    body: { code: 'share.nothing_to_share' },
  })
  const first = (await chat.send(id, 'one')).body
  await chat.ended(first.assistant_message.id)
  const { status, body: share } = await chat.call<Share>('POST', path)
  expect(status).toBe(201)

  const response = await open(share)
  expect(response.headers.get('x-robots-tag')).toContain('noindex')
  expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const text = await response.text()
  for (const secret of [user.id, user.username]) expect(text).not.toContain(secret)
  const shown = JSON.parse(text) as SharedConversation
  expect(shown.title).toBe('Trees')
  expect(shown.messages).toMatchObject([
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'Hello from the fake.', tokens_used: null, cost_micros: null },
  ])

  await chat.ended((await chat.send(id, 'two')).body.assistant_message.id)
  await chat.ended((await chat.send(id, 'edited', { parent_id: null })).body.assistant_message.id)
  expect(await textsOf(share)).toEqual(['one', 'Hello from the fake.'])
  const newer = (await chat.call<Share>('POST', path)).body
  expect(await textsOf(newer)).toEqual(['edited', 'Hello from the fake.'])
  const list = await chat.call<{ items: Share[] }>('GET', path)
  expect(list.body.items).toEqual([newer, share])

  expect((await chat.call('DELETE', `/shares/${share.id}`)).status).toBe(204)
  expect((await chat.call('DELETE', `/shares/${share.id}`)).status).toBe(404)
  expect((await open(share)).status).toBe(404)
  expect(await textsOf(newer)).toHaveLength(2)
  await chat.call('DELETE', `/conversations/${id}`)
  expect((await open(newer)).status).toBe(404)
})

test('an answer that is being written is not part of a link', async () => {
  const { chat } = await signUpForChat(app)
  const { id } = await chat.begin({ title: 'slow' })
  const answer = (await chat.send(id, 'take your time')).body.assistant_message.id
  await vi.waitFor(async () => expect((await chat.message(answer)).content).toBe('Hm'), 30_000)
  const share = (await chat.call<Share>('POST', `/conversations/${id}/shares`)).body
  expect(await textsOf(share)).toEqual(['take your time'])
  await chat.call('POST', `/messages/${answer}/stop`)
  await chat.ended(answer)
  expect(await textsOf(share)).toEqual(['take your time'])
})

test('others cannot list, make or revoke links, and guesses find nothing', async () => {
  const owner = await signUpForChat(app)
  const stranger = await signUpForChat(app)
  const { id } = await owner.chat.begin({ title: 'mine' })
  await owner.chat.ended((await owner.chat.send(id, 'one')).body.assistant_message.id)
  const share = (await owner.chat.call<Share>('POST', `/conversations/${id}/shares`)).body
  expect((await stranger.chat.call('GET', `/conversations/${id}/shares`)).status).toBe(404)
  expect((await stranger.chat.call('POST', `/conversations/${id}/shares`)).status).toBe(404)
  expect((await stranger.chat.call('DELETE', `/shares/${share.id}`)).status).toBe(404)
  for (const token of ['x', encodeURIComponent("' OR 1=1"), 'a'.repeat(200), share.id])
    expect((await app.fetch(`/api/v1/chat/shared/${token}`)).status).toBe(404)
  expect((await open(share)).status).toBe(200)
})

test('links sealed by an older key are sealed anew, and lead where they led', async () => {
  const { chat } = await signUpForChat(app)
  const { id } = await chat.begin()
  await chat.ended((await chat.send(id, 'one')).body.assistant_message.id)
  const { body: share } = await chat.call<Share>('POST', `/conversations/${id}/shares`)

  const [old] = app.core.keys.encryption
  const fresh = { id: 'fresh', key: Buffer.alloc(32, 7) }
  if (!old) throw new Error('The app has no key')
  const rotated = createShares({ ...app.core, secrets: createSecrets([fresh, old]) })
  expect(await rotated.reseal('00000000-0000-0000-0000-000000000000', 50)).not.toBeNull()

  const row = await app.core.db
    .withTables<ChatTables>()
    .primary.selectFrom('chat_share')
    .select('token_sealed')
    .where('id', '=', share.id)
    .executeTakeFirstOrThrow()
  const token = createSecrets([fresh]).decrypt(row.token_sealed, `chat_share.token:${share.id}`)
  expect(share.url_path).toBe(`/share/${token}`)
})
