import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { newId } from '#core/ids.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import { createChannels } from '#core/realtime/channels.ts'
import { plantTranscription } from '#core/speech/testing.ts'
import { access as achievementsAccess } from '#modules/achievements/testing.ts'
import { access as cardsAccess } from '#modules/cards/testing.ts'
import { type ChatApp, chatClient, plantMemory, startChatApp } from '#modules/chat/testing.ts'
import { access as devicesAccess } from '#modules/devices/testing.ts'
import {
  type AccessContext,
  type AccessEntry,
  type AccessOutcome,
  type AccessRow,
  admins,
  anyone,
  type Caller,
  callers,
  of,
  own,
  ownOrAdmin,
  signedIn,
  signInAdmin,
  signUp,
  type TestUser,
} from '#modules/identity/testing.ts'
import { defineNotification, notificationsKey } from '#modules/notifications/contract.ts'

/*
 * Who may do what: every route and every channel of Banyan, asked by five kinds of caller. `owner` is whom the thing
 * in the path belongs to, `other` another user, `outsider` the owner of another organisation. A route or a channel
 * that nobody listed, here or in a module's `testing.ts`, fails the test.
 */
/** A thing of this file needs no context to be made. */
type Maker = (owner: TestUser) => Promise<string>

const newestOf = async (path: string, who: TestUser): Promise<string> => {
  const { items } = (await (await ask('GET', `/api/v1${path}`, who)).json()) as { items: { id: string }[] }
  return items[0]?.id ?? ''
}
const post: AccessContext['post'] = async (path, user, body) => {
  const response = await ask('POST', `/api/v1${path}`, user, body)
  const { id } = (await response.json()) as { id?: string }
  if (!id) throw new Error(`${path} made nothing: ${response.status}`)
  return id
}

/* How each kind of thing comes to be; what they return fills the path's `:id`. */
const user: Maker = async owner => owner.user.id
const session: Maker = async owner => owner.actor.session_id ?? ''
const role: Maker = async () => 'user'
const plan: Maker = async () => 'free'
const apiToken: Maker = owner => post('/auth/tokens', owner, { name: 'ci', scopes: ['read'] })
const organisation: Maker = owner => post('/identity/organisations', owner, { name: 'ours' })
const invitation: Maker = () => post('/identity/invitations', admin, {})
const job: Maker = ({ user: { id } }) =>
  app.core.jobs.add(app.core.db.primary, neverRun, {}, { owner_id: id, run_at: new Date(Date.now() + 1e8) })
const mail: Maker = async () => {
  await app.core.mail.send(app.core.db.primary, { to: 'someone@example.com', subject: 'a', text: 'b' })
  return newestOf('/admin/mailbox', admin)
}
const notification: Maker = async owner => {
  await app.app.use(notificationsKey).notify(owner.user.id, greeting, {})
  return newestOf('/notifications', owner)
}
const provider: Maker = () =>
  post('/admin/providers', admin, { kind: 'openai-compatible', name: newId(), base_url: app.upstream.url })
const model: Maker = async owner =>
  post('/admin/models', admin, { ...anyModel, id: newId(), provider_id: await provider(owner) })
const conversation: Maker = owner => post('/chat/conversations', owner, {})
const deletedConversation: Maker = async owner => {
  const id = await conversation(owner)
  await ask('DELETE', `/api/v1/chat/conversations/${id}`, owner)
  return id
}
const message: Maker = async owner => {
  const chat = chatClient(app, owner)
  const { body } = await chat.send(await conversation(owner), 'Hello')
  await chat.ended(body.assistant_message.id)
  return body.assistant_message.id
}
const memory: Maker = async owner => plantMemory(app, owner.user.id, await message(owner), 'Likes tea.')
const bot: Maker = owner => post('/chat/bots', owner, anyBot)
const folder: Maker = owner => post('/chat/folders', owner, { name: 'Work' })
const attachment: Maker = async ({ headers }) => {
  const form = new FormData()
  form.append('file', new Blob(['text']), 'a.txt')
  const response = await app.fetch('/api/v1/chat/attachments', { method: 'POST', headers, body: form })
  return ((await response.json()) as { id: string }).id
}
const share = async (owner: TestUser) => {
  const chat = chatClient(app, owner)
  const { body } = await chat.send(await conversation(owner), 'Hello')
  await chat.ended(body.assistant_message.id)
  const path = `/conversations/${body.assistant_message.conversation_id}/shares`
  return (await chat.call<{ id: string; url_path: string }>('POST', path)).body
}
const shareId: Maker = async owner => (await share(owner)).id
const shareToken: Maker = async owner => (await share(owner)).url_path.slice('/share/'.length)

const transcription: Maker = owner => plantTranscription(app.core.db.primary, owner.user.id)

const anyBot = { name: 'Bot', system_prompt: 'Be brief.' }
const greeting = defineNotification({
  name: 'matrix.greeting',
  texts: { en: { title: 'Hello', body: 'Hello' }, 'zh-CN': { title: '你好', body: '你好' } },
  is_emailed: false,
})
const neverRun = defineJob({ name: 'matrix.wait', schema: z.object({}), run: async () => {} })
const anyModel = {
  upstream_model: 'fake-1',
  name: 'Any',
  kind: 'chat',
  context_window: 8000,
  max_output: 1000,
  capabilities: { vision: false, tools: false, reasoning: false, json: false },
}
const wholeUser = {
  display_name: 'x',
  email: null,
  phone: null,
  locale: 'en',
  time_zone: 'UTC',
  profile: {},
  preferences: {},
}

const routes: Record<string, AccessEntry> = {
  'GET /health': anyone,
  'GET /ready': anyone,
  'GET /metrics': anyone,
  'GET /openapi.json': anyone,
  'GET /docs': anyone,
  'GET /docs/docs.css': anyone,
  'GET /docs/docs.js': anyone,
  'POST /api/v1/realtime/tickets': signedIn,
  'POST /api/v1/realtime/stream': signedIn,
  'GET /api/v1/realtime/sse': { ...of(own, user), query: '?channel=chat.user.:id' },
  'GET /api/v1/jobs/:id': of(ownOrAdmin, job),
  'POST /api/v1/jobs/:id/cancel': of(ownOrAdmin, job),

  'GET /api/v1/speech/status': signedIn,
  'POST /api/v1/speech/transcriptions': signedIn,
  'GET /api/v1/speech/transcriptions/:id': of(own, transcription),
  'DELETE /api/v1/speech/transcriptions/:id': of(own, transcription),
  'POST /api/v1/speech/syntheses': signedIn,

  'GET /api/v1/auth/policy': anyone,
  'POST /api/v1/auth/register': anyone,
  'POST /api/v1/auth/login': anyone,
  'POST /api/v1/auth/link': anyone,
  'POST /api/v1/auth/refresh': anyone,
  'POST /api/v1/auth/logout': signedIn,
  'PUT /api/v1/auth/password': signedIn,
  'POST /api/v1/auth/password/forgot': anyone,
  'POST /api/v1/auth/password/reset': anyone,
  'POST /api/v1/auth/email/verification': signedIn,
  'POST /api/v1/auth/email/verify': anyone,
  'GET /api/v1/auth/sessions': signedIn,
  'DELETE /api/v1/auth/sessions/:id': of(own, session),
  'GET /api/v1/auth/tokens': signedIn,
  'POST /api/v1/auth/tokens': signedIn,
  'DELETE /api/v1/auth/tokens/:id': of(own, apiToken),
  'GET /api/v1/auth/sign-ins': signedIn,

  'GET /api/v1/users/me': signedIn,
  'PUT /api/v1/users/me': signedIn,
  'PATCH /api/v1/users/me': signedIn,
  'PUT /api/v1/users/me/avatar': signedIn,
  'DELETE /api/v1/users/me/avatar': signedIn,
  'GET /api/v1/users/:id/avatar': of({ ...own, owner: 404 }, user),
  'GET /api/v1/users': admins,
  'POST /api/v1/users': admins,
  'GET /api/v1/users/:id': of(ownOrAdmin, user),
  'PUT /api/v1/users/:id': of(ownOrAdmin, user, wholeUser),
  'PATCH /api/v1/users/:id': of(ownOrAdmin, user),
  'DELETE /api/v1/users/:id': of(ownOrAdmin, user),
  'POST /api/v1/users/:id/password-reset': of(admins, user),

  'GET /api/v1/identity/sign-ins': admins,
  'GET /api/v1/identity/permissions': admins,
  'GET /api/v1/identity/roles': admins,
  'PUT /api/v1/identity/roles/:name': of(admins, role, { permissions: ['made.up.permission'] }),
  'GET /api/v1/identity/sign-up-policy': admins,
  'PUT /api/v1/identity/sign-up-policy': admins,
  'GET /api/v1/identity/invitations': admins,
  'POST /api/v1/identity/invitations': admins,
  'DELETE /api/v1/identity/invitations/:id': of(admins, invitation),
  'GET /api/v1/identity/organisations': signedIn,
  'POST /api/v1/identity/organisations': signedIn,
  'POST /api/v1/identity/organisations/join': signedIn,
  'GET /api/v1/identity/organisations/:id': of(ownOrAdmin, organisation),
  'PATCH /api/v1/identity/organisations/:id': of(ownOrAdmin, organisation, { name: 'x' }),
  'DELETE /api/v1/identity/organisations/:id': of(ownOrAdmin, organisation),
  'GET /api/v1/identity/organisations/:id/members': of(ownOrAdmin, organisation),
  'PATCH /api/v1/identity/organisations/:id/members/:user_id': of(ownOrAdmin, organisation, {
    role: 'owner',
  }),
  'DELETE /api/v1/identity/organisations/:id/members/:user_id': of(ownOrAdmin, organisation),
  'GET /api/v1/identity/organisations/:id/invitations': of(ownOrAdmin, organisation),
  'POST /api/v1/identity/organisations/:id/invitations': of(ownOrAdmin, organisation),
  'DELETE /api/v1/identity/organisations/:id/invitations/:invitation_id': of(
    { ...own, owner: 404 },
    organisation,
  ),

  'GET /api/v1/notifications': signedIn,
  'GET /api/v1/notifications/unread-count': signedIn,
  'GET /api/v1/notifications/choices': signedIn,
  'PUT /api/v1/notifications/choices': signedIn,
  'POST /api/v1/notifications/:id/read': of(own, notification),
  'POST /api/v1/notifications/read-all': signedIn,

  'GET /api/v1/billing/me': signedIn,
  'GET /api/v1/billing/plans': admins,
  'GET /api/v1/billing/plans/:id': of(admins, plan),
  'PUT /api/v1/billing/plans/:id': of(admins, plan),
  'POST /api/v1/billing/plans': admins,
  'GET /api/v1/billing/plans/:id/subscribers': of(admins, plan),
  'GET /api/v1/billing/users/:id': of(admins, user),
  'PUT /api/v1/billing/users/:id': of(admins, user),
  'POST /api/v1/billing/users/:id/grants': of(admins, user),

  'GET /api/v1/chat/conversations': signedIn,
  'POST /api/v1/chat/conversations': signedIn,
  'GET /api/v1/chat/conversations/:id': of(own, conversation),
  'PATCH /api/v1/chat/conversations/:id': of(own, conversation),
  'DELETE /api/v1/chat/conversations/:id': of(own, conversation),
  'POST /api/v1/chat/conversations/:id/restore': of(own, deletedConversation),
  'GET /api/v1/chat/conversations/:id/messages': of(own, conversation),
  'POST /api/v1/chat/conversations/:id/messages': of(own, conversation, {
    client_message_id: 'm1',
    content: 'Hello',
  }),
  'GET /api/v1/chat/messages/:id': of(own, message),
  'GET /api/v1/chat/messages/:id/stream': of(own, message),
  'POST /api/v1/chat/messages/:id/regenerate': of(own, message, { client_message_id: 'r1' }),
  'POST /api/v1/chat/messages/:id/continue': of(own, message, { client_message_id: 'c1' }),
  'POST /api/v1/chat/messages/:id/stop': of(own, message),
  'GET /api/v1/chat/search': { ...signedIn, query: '?q=hello' },
  'GET /api/v1/chat/models': signedIn,
  'GET /api/v1/chat/quota': signedIn,
  'GET /api/v1/chat/bots': signedIn,
  'POST /api/v1/chat/bots': signedIn,
  'GET /api/v1/chat/bots/:id': of(own, bot),
  'PUT /api/v1/chat/bots/:id': of(own, bot, anyBot),
  'DELETE /api/v1/chat/bots/:id': of(own, bot),
  'POST /api/v1/chat/bots/:id/ask': of(own, bot, { content: 'Hello' }),
  'GET /api/v1/chat/folders': signedIn,
  'POST /api/v1/chat/folders': signedIn,
  'PATCH /api/v1/chat/folders/:id': of(own, folder),
  'DELETE /api/v1/chat/folders/:id': of(own, folder),
  'GET /api/v1/chat/instructions': signedIn,
  'PUT /api/v1/chat/instructions': signedIn,
  'GET /api/v1/chat/memories': signedIn,
  'DELETE /api/v1/chat/memories': signedIn,
  'DELETE /api/v1/chat/memories/:id': of(own, memory),
  'GET /api/v1/chat/memories/export': signedIn,
  'GET /api/v1/chat/memories/settings': signedIn,
  'PUT /api/v1/chat/memories/settings': signedIn,
  'POST /api/v1/chat/attachments': signedIn,
  'GET /api/v1/chat/attachments/:id/content': of(own, attachment),
  'GET /api/v1/chat/conversations/:id/shares': of(own, conversation),
  'POST /api/v1/chat/conversations/:id/shares': of(own, conversation),
  'DELETE /api/v1/chat/shares/:id': of(own, shareId),
  'GET /api/v1/chat/shared/:token': of(anyone, shareToken),
  'GET /api/v1/chat/conversations/:id/export': of(own, conversation),
  'GET /api/v1/chat/export': signedIn,
  'POST /api/v1/chat/imports': signedIn,
  'GET /v1/models': signedIn,
  'POST /v1/chat/completions': signedIn,
  'POST /v1/embeddings': signedIn,

  'GET /api/v1/admin/setup': admins,
  'GET /api/v1/admin/health': admins,
  'GET /api/v1/admin/usage': admins,
  'GET /api/v1/admin/spend-cap': admins,
  'PUT /api/v1/admin/spend-cap': admins,
  'GET /api/v1/admin/jobs': admins,
  'POST /api/v1/admin/jobs/:id/cancel': of(admins, job),
  'POST /api/v1/admin/jobs/:id/retry': of(admins, job),
  'GET /api/v1/admin/mailbox': admins,
  'GET /api/v1/admin/mailbox/:id': of(admins, mail),
  'GET /api/v1/admin/providers/kinds': admins,
  'GET /api/v1/admin/providers': admins,
  'POST /api/v1/admin/providers': admins,
  'POST /api/v1/admin/providers/test': admins,
  'GET /api/v1/admin/providers/:id': of(admins, provider),
  'PATCH /api/v1/admin/providers/:id': of(admins, provider),
  'DELETE /api/v1/admin/providers/:id': of(admins, provider),
  'POST /api/v1/admin/providers/:id/keys': of(admins, provider),
  'DELETE /api/v1/admin/providers/:id/keys/:key_id': of({ ...admins, admin: 404 }, provider),
  'GET /api/v1/admin/models': admins,
  'POST /api/v1/admin/models': admins,
  'PATCH /api/v1/admin/models/:id': of(admins, model),
  'DELETE /api/v1/admin/models/:id': of(admins, model),

  ...cardsAccess.routes,
  ...devicesAccess.routes,
  ...achievementsAccess.routes,
}

/** Who may listen. There is no anonymous listener: the doors of the hub let none in, see its own tests. */
const channels: Record<string, AccessEntry> = {
  'jobs.job.:id': of(ownOrAdmin, job),
  'chat.conversation.:id': of(own, conversation),
  'chat.user.:id': of(own, user),
  'notifications.user.:user_id': of(own, user),
  ...cardsAccess.channels,
  ...devicesAccess.channels,
  ...achievementsAccess.channels,
}

let app: ChatApp
let admin: TestUser

beforeAll(async () => {
  app = await startChatApp()
  admin = await signInAdmin(app)
})
afterAll(() => app.stop())

const ask: AccessContext['ask'] = (method, path, who, body) =>
  app.fetch(path, {
    method,
    headers: { ...who?.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })

/** A fresh caller of each kind, so that nobody finds what another left or took away. */
async function callerOf(kind: Caller, owner: TestUser): Promise<TestUser | null> {
  if (kind === 'anonymous') return null
  if (kind === 'owner') return owner
  if (kind === 'admin') return signInAdmin(app)
  const someone = await signUp(app)
  if (kind === 'outsider') await organisation(someone)
  return someone
}

const fill = (text: string, id: string, owner: TestUser): string =>
  text
    .replace(':user_id', owner.user.id)
    .replace(/:(invitation|key)_id/, newId())
    .replace(/:(id|name|token)/, encodeURIComponent(id))

async function rowOf(
  visit: (who: TestUser | null, id: string, owner: TestUser) => Promise<AccessOutcome>,
  entry: AccessEntry,
) {
  const seen: Partial<AccessRow> = {}
  for (const kind of callers) {
    const owner = await signUp(app)
    const id = (await entry.thing?.(owner, { app, admin, ask, post })) ?? ''
    seen[kind] = await visit(await callerOf(kind, owner), id, owner)
  }
  return seen
}

const outcomes = ({ anonymous, other, outsider, admin, owner }: AccessRow): AccessRow => ({
  anonymous,
  other,
  outsider,
  admin,
  owner,
})

test('the table lists every route', () => {
  const registered = app.app.http.routes.map(({ method, path }) => `${method} ${path}`)
  expect(Object.keys(routes).sort()).toEqual(registered.sort())
})

test('the table lists every channel', () => {
  expect(Object.keys(channels).sort()).toEqual(app.app.channels.map(({ pattern }) => pattern).sort())
})

test.each(Object.entries(routes))('%s', async (name, entry) => {
  const [method = '', route = ''] = name.split(' ')
  const body = method === 'GET' || method === 'DELETE' ? undefined : (entry.body ?? {})
  const seen = await rowOf(async (who, id, owner) => {
    const path = fill(route + (entry.query ?? ''), id, owner)
    const response = await ask(method, path, who, body)
    await response.body?.cancel()
    expect(response.status).toBeLessThan(500)
    const turnedAway = [401, 403, 404] as const
    return turnedAway.find(status => status === response.status) ?? 'ok'
  }, entry)
  expect(seen).toEqual(outcomes(entry))
})

test.each(Object.entries(channels))('channel %s', async (pattern, entry) => {
  const doors = createChannels(app.app.channels)
  const seen = await rowOf(async (who, id, owner) => {
    if (!who) return 401
    const entered = doors.authorize(who.actor, fill(pattern, id, owner))
    return entered.then(
      () => 'ok',
      () => 404,
    )
  }, entry)
  expect(seen).toEqual(outcomes(entry))
})
