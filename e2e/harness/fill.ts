import { expect } from 'vitest'
import { writeWav } from '#core/speech/wav.ts'
import { makePerson, type ReadyBanyan } from './banyan.ts'
import type { Upstream } from './upstream.ts'

/** Ids of what there is to see. */
export type Filled = {
  conversation: string
  share: string
  user: string
  organisation: string
  device: string
  deviceBatch: string
  piece: string
  template: string
  batch: string
  /** Of a card, in the log. */
  use: string
  achievement: string
}

const longName = '一个特别长的名字，看看它在窄的地方会不会把版面撑开 '.repeat(8).slice(0, 190)

const question = `请比较 **快速排序**和归并排序，给出代码、复杂度和适用场景。\n\n还有 https://example.com/${'long'.repeat(30)}`

const answer = `## 结论

归并排序是*稳定*的，快速排序在平均情况下更快；两者的平均时间都是 $O(n\\log n)$。

| 算法 | 平均 | 最坏 | 额外空间 | 稳定 | 适合的场景 |
|---|---:|---:|---:|:-:|---|
| 快速排序 | $O(n\\log n)$ | $O(n^2)$ | $O(\\log n)$ | 否 | 内存中的数组，数据随机 |
| 归并排序 | $O(n\\log n)$ | $O(n\\log n)$ | $O(n)$ | 是 | 链表、外部排序、要求稳定 |

\`\`\`ts
export function quickSort(values: readonly number[]): number[] {
  if (values.length < 2) return [...values]
  const [pivot = 0, ...rest] = values
  return [...quickSort(rest.filter(value => value < pivot)), pivot, ...quickSort(rest.filter(value => value >= pivot))]
}
\`\`\`

递推式：

$$T(n) = 2T\\left(\\frac{n}{2}\\right) + \\Theta(n)$$

1. 先看数据量
2. 再看是否要求稳定
   - 要求：归并
   - 不要求：快速

> 没有一种排序在所有情况下都最好。
`

/** A server that has been used: people, conversations with everything in them, bots, organisations, mail, usage. */
export async function fill(banyan: ReadyBanyan, upstream: Upstream): Promise<Filled> {
  const token = banyan.adminToken
  const post = <T = { id: string }>(path: string, body: object = {}) =>
    banyan.api<T>('POST', `/api/v1${path}`, { token, body })
  const user = await fillPeople(banyan)
  upstream.answerWith(() => answer.match(/[\s\S]{1,40}/g) ?? [])
  const conversation = await fillChat(banyan)
  const shared = await post<{ url_path: string }>(`/chat/conversations/${conversation}/shares`)
  const organisation = await post('/identity/organisations', { name: '榕树工作室' })
  await post('/identity/organisations', { name: longName.slice(0, 80) })
  for (const name of ['my script', '数据分析脚本', 'n'.repeat(90)]) {
    await post('/auth/tokens', { name, scopes: ['chat', 'read'] })
  }
  for (const email of ['a.rather.long.address@subdomain.example.com', undefined, 'lin@example.com']) {
    await post('/identity/invitations', { roles: ['user'], expires_in_days: 7, ...(email ? { email } : {}) })
  }
  await banyan.api('PUT', '/api/v1/admin/spend-cap', {
    token,
    body: { day_micros: 50_000_000, month_micros: 1_000_000_000 },
  })
  return {
    conversation,
    share: shared.url_path.replace('/share/', ''),
    user,
    organisation: organisation.id,
    ...(await fillDevices(banyan)),
    piece: await fillLibrary(banyan),
    ...(await fillCards(banyan)),
    achievement: await fillAchievements(banyan),
  }
}

async function fillCards(banyan: ReadyBanyan): Promise<Pick<Filled, 'template' | 'batch' | 'use'>> {
  const token = banyan.adminToken
  const call = <T = { id: string }>(method: string, path: string, body: object = {}) =>
    banyan.api<T>(method, `/api/v1/cards${path}`, { token, ...(method === 'GET' ? {} : { body }) })
  const content = {
    description: longName,
    attributes: { style: '民族舞', difficulty: 4, duration_seconds: 180 },
    rarity: 'legendary',
    rewards: { membership: { plan: 'vip', days: 30 }, points: 500 },
    set_name: longName.slice(0, 100),
  }
  const { id: template } = await call('POST', '/templates', { ...content, category: 'dance', name: '醒狮' })
  await call('PUT', `/templates/${template}`, { ...content, name: longName.slice(0, 100), base_version: 1 })
  await call('PATCH', `/templates/${template}`, { state: 'published' })
  const input = { template_id: template, name: longName.slice(0, 100), quantity: 500, valid_days: 30 }
  for (const channel of ['天猫', longName.slice(0, 100)])
    await call('POST', '/batches', { ...input, channel, notes: longName })
  const { id: batch } = await call('POST', '/batches', input)
  await call('POST', `/batches/${batch}/generate`)
  const wait = { timeout: 60_000 }
  const stateOf = async () => (await call<{ state: string }>('GET', `/batches/${batch}`)).state
  await expect.poll(stateOf, wait).toBe('ready')
  await call('POST', `/batches/${batch}/release`)
  const csv = await fetch(`${banyan.url}/api/v1/cards/batches/${batch}/codes.csv`, {
    headers: { authorization: `Bearer ${token}` },
  })
  // Each line has its code twice, the second time in an address.
  const codes = [...new Set((await csv.text()).match(/[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/g))]
  for (const code of codes.slice(0, 3)) await call('POST', '/redemptions', { code })
  const { item } = await call<{ item: { id: string } }>('POST', '/redemptions', { code: codes[3] })
  await call('POST', `/redemptions/${item.id}/undo`, { reason: longName })
  const uses = async () => (await call<{ items: { id: string }[] }>('GET', '/usage')).items
  await expect.poll(async () => (await uses()).length, wait).toBeGreaterThanOrEqual(5)
  return { template, batch, use: (await uses())[0]?.id ?? '' }
}

async function fillAchievements(banyan: ReadyBanyan): Promise<string> {
  const token = banyan.adminToken
  const call = <T = { id: string }>(method: string, path: string, body?: object) =>
    banyan.api<T>(method, `/api/v1/achievements${path}`, { token, ...(body ? { body } : {}) })
  await call('PUT', '/leaderboard/listing', { is_listed: true })
  const tier = { goals: [3], points: 10, rewards: { membership: { plan: 'vip', days: 7 } } }
  const { id } = await call('POST', '/definitions', {
    names: { 'zh-CN': longName.slice(0, 60), en: 'Collector of everything that there is to be collected' },
    descriptions: { 'zh-CN': longName, en: 'Redeem cards.' },
    icon: '🧧',
    is_hidden: false,
    is_enabled: true,
    position: 1,
    rule: {
      match: 'all',
      conditions: [{ type: 'count', event: 'cards.card.redeemed', filters: [], window: { unit: 'all' } }],
      tiers: [
        { ...tier, tier: 'bronze' },
        { ...tier, tier: 'gold', goals: [30] },
      ],
    },
  })
  return id
}

async function fillDevices(banyan: ReadyBanyan): Promise<Pick<Filled, 'device' | 'deviceBatch'>> {
  const token = banyan.adminToken
  const post = <T = { id: string }>(path: string, body: object = {}) =>
    banyan.api<T>('POST', `/api/v1/devices${path}`, { token, body })
  let id = ''
  for (let index = 10; index < 16; index++) {
    const answer = await fetch(`${banyan.url}/api/v1/devices/ota`, {
      headers: { 'device-id': `8cbfea0000${index}`, 'client-id': 'fill' },
    })
    const { activation } = (await answer.json()) as { activation: { code: string } }
    if (index < 14) id = (await post('/claims', { code: activation.code })).id
  }
  await banyan.api('PATCH', `/api/v1/devices/devices/${id}`, { token, body: { name: longName.slice(0, 60) } })
  for (const text of ['早上好', longName])
    await post(`/devices/${id}/commands`, { command: { kind: 'say', text } })
  await post(`/devices/${id}/offers`, { kind: 'member' })
  const { items } = await banyan.api<{ items: { id: string }[] }>('GET', '/api/v1/devices/types', { token })
  const batch = await post('/batches', {
    type_id: items[0]?.id,
    name: longName.slice(0, 100),
    requires_proof: true,
  })
  const group = await post('/groups', { name: longName.slice(0, 60), description: longName })
  await post('/broadcasts', { group_id: group.id, command: { kind: 'say', text: longName } })
  return { device: id, deviceBatch: batch.id }
}

async function fillLibrary(banyan: ReadyBanyan): Promise<string> {
  let id = ''
  for (let index = 0; index < 8; index++) {
    const kind = index % 3 === 2 ? 'dance' : 'music'
    const content = kind === 'dance' ? '{"steps": []}' : index === 7 ? song(3) : 'ID3\u0004'
    const piece = await putMedia(banyan, new Blob([content]), {
      kind,
      title: index === 6 ? longName : `月亮代表我的心 ${index + 1}`,
      artist: index === 6 ? longName : '邓丽君',
      style: index === 6 ? longName.slice(0, 100) : '抒情',
      ...(index === 5 ? { template_id: '0192f0c1-7c1e-7000-8000-0123456789ab' } : {}),
    })
    id = piece.id
  }
  return id
}

/** Seconds of a tone, as a WAV file. */
export function song(seconds: number): Uint8Array<ArrayBuffer> {
  const rate = 16_000
  const pcm = Int16Array.from(
    { length: seconds * rate },
    (_, n) => 6000 * Math.sin((2 * Math.PI * 440 * n) / rate),
  )
  return new Uint8Array(writeWav(pcm, rate))
}

/** Puts a file into the library of music and dances. */
export async function putMedia(
  banyan: ReadyBanyan,
  file: Blob,
  fields: { kind: 'music' | 'dance'; title: string } & Record<string, string>,
): Promise<{ id: string }> {
  const form = new FormData()
  form.append('file', file, 'file')
  const answer = await fetch(`${banyan.url}/api/v1/devices/media?${new URLSearchParams(fields)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${banyan.adminToken}` },
    body: form,
  })
  expect(answer.status).toBe(201)
  return (await answer.json()) as { id: string }
}

async function fillPeople(banyan: ReadyBanyan): Promise<string> {
  let id = ''
  for (let index = 0; index < 12; index++) {
    const person = await makePerson(banyan, { locale: index % 2 ? 'en' : 'zh-CN' })
    id = person.id
    const body = { display_name: index === 11 ? longName.slice(0, 60) : `林小雨 ${index}` }
    await banyan.api('PATCH', '/api/v1/users/me', { token: person.token, body })
    await banyan.api('POST', '/api/v1/auth/password/forgot', {
      body: { email: `${person.username}@example.com` },
    })
  }
  await banyan.api('PATCH', `/api/v1/users/${id}`, {
    token: banyan.adminToken,
    body: { is_vip: true, is_active: false },
  })
  return id
}

async function fillChat(banyan: ReadyBanyan): Promise<string> {
  const token = banyan.adminToken
  const post = <T = { id: string }>(path: string, body: object) =>
    banyan.api<T>('POST', `/api/v1/chat${path}`, { token, body })
  const folder = await post('/folders', { name: '工作' })
  for (let index = 0; index < 24; index++) {
    const title = index === 3 ? longName : `第 ${index + 1} 个对话：关于排序与搜索的讨论`
    await post('/conversations', { title, ...(index % 6 === 0 ? { folder_id: folder.id } : {}) })
  }
  for (let index = 0; index < 7; index++) {
    await post('/bots', {
      name: index === 2 ? longName.slice(0, 60) : `翻译助手 ${index + 1}`,
      description: '把中文翻译成自然的英文，并解释选词。'.repeat(index === 2 ? 6 : 1),
      avatar_emoji: '🌐',
      system_prompt: 'You translate.',
      memory: 'conversation',
      example_questions: ['把这段话翻译成英文'],
      is_public: index % 2 === 0,
    })
  }
  const conversation = await post('/conversations', { title: '快速排序与归并排序' })
  await ask(banyan, conversation.id, question)
  await ask(banyan, conversation.id, '再短一点。')
  const body = { is_pinned: true }
  await banyan.api('PATCH', `/api/v1/chat/conversations/${conversation.id}`, { token, body })
  return conversation.id
}

/** Asks and waits for the end of the answer. */
export async function ask(banyan: ReadyBanyan, conversation: string, content: string): Promise<void> {
  const token = banyan.adminToken
  const { assistant_message } = await banyan.api<{ assistant_message: { id: string } }>(
    'POST',
    `/api/v1/chat/conversations/${conversation}/messages`,
    { token, body: { client_message_id: crypto.randomUUID(), content } },
  )
  const path = `/api/v1/chat/messages/${assistant_message.id}`
  await expect
    .poll(async () => (await banyan.api<{ status: string }>('GET', path, { token })).status, {
      timeout: 60_000,
    })
    .toBe('done')
}
