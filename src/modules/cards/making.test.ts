import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { encodeCursor } from '#core/http/page.ts'
import { startTestApp, type TestApp } from '#core/testing/app.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import type { Batch } from './batches.ts'
import type { Category } from './categories.ts'
import { cardsKey } from './contract.ts'
import type { Template, TemplateVersion } from './templates.ts'
import { anyTemplate, type CardsClient, cardsClient, onePixel, signUpOperator } from './testing.ts'

let app: TestApp
let operator: TestUser & { cards: CardsClient }
let cards: CardsClient

beforeAll(async () => {
  app = await startTestApp({ settings: { CARDS_IMAGE_MAX_MB: '1', CARDS_AUDIO_MAX_MB: '1' } })
  operator = await signUpOperator(app)
  cards = operator.cards
})
afterAll(() => app.stop())

type Problem = { code: string; detail: string; errors?: { pointer: string; detail: string }[] }
const pointers = ({ errors = [] }: Problem) => errors.map(({ pointer }) => pointer)
const wav = Buffer.concat([Buffer.from('RIFF\xf8\x07\0\0WAVEfmt ', 'latin1'), Buffer.alloc(2000)])

test('the four categories are there, and a new one is data', async () => {
  const names = async () =>
    (await cards.call<{ items: Category[] }>('GET', '/categories')).body.items.map(({ name }) => name)
  expect(await names()).toEqual(['clothing', 'dance', 'game', 'song'])
  const pet = {
    name: 'pet',
    titles: { 'zh-CN': '宠物', en: 'Pet' },
    schema: {
      type: 'object',
      properties: { legs: { type: 'integer', minimum: 0, 'x-titles': { 'zh-CN': '腿', en: 'Legs' } } },
      required: ['legs'],
      additionalProperties: false,
    },
  }
  expect(await cards.call('POST', '/categories', pet)).toMatchObject({
    status: 201,
    body: { is_builtin: false },
  })
  expect(await cards.call('POST', '/categories', pet)).toMatchObject({
    status: 409,
    body: { code: 'category.exists' },
  })
  expect(await names()).toContain('pet')

  const dog = { ...anyTemplate, category: 'pet', attributes: { legs: 4 } }
  expect((await cards.call('POST', '/templates', dog)).status).toBe(201)
  expect(await cards.call('DELETE', '/categories/pet')).toMatchObject({
    status: 409,
    body: { code: 'category.in_use' },
  })

  const { name: _, ...changed } = { ...pet, titles: { 'zh-CN': '宠物', en: 'Animal' } }
  expect(await cards.call('PUT', '/categories/pet', changed)).toMatchObject({
    body: { titles: { en: 'Animal' } },
  })
  expect(await cards.call('PUT', '/categories/dance', changed)).toMatchObject({
    body: { code: 'category.builtin' },
  })
  expect((await cards.call('PUT', '/categories/none', changed)).status).toBe(404)
  expect((await cards.call('DELETE', '/categories/none')).status).toBe(404)
})

test('a category keeps the order of its attributes', async () => {
  const names = ['species', 'b', 'age']
  const properties = Object.fromEntries(names.map(name => [name, { type: 'string' }]))
  const schema = { type: 'object', properties, additionalProperties: false }
  const titles = { 'zh-CN': '植物', en: 'Plant' }
  await cards.call('POST', '/categories', { name: 'plant', titles, schema })
  const { items } = (await cards.call<{ items: Category[] }>('GET', '/categories')).body
  const kept = items.find(({ name }) => name === 'plant')?.schema.properties
  expect(Object.keys(kept as object)).toEqual(names)
})

test('what has only blanks is no name', async () => {
  const blank = ' \u3000'
  const refused = async (path: string, body: object) => {
    const answer = await cards.call<Problem>('POST', path, body)
    return { status: answer.status, at: pointers(answer.body) }
  }
  expect(await refused('/templates', { ...anyTemplate, name: blank })).toEqual({
    status: 400,
    at: ['/body/name'],
  })
  expect((await refused('/templates', { ...anyTemplate, set_name: blank })).status).toBe(400)
  const { id } = (await cards.call<Template>('POST', '/templates', anyTemplate)).body
  await cards.call('PATCH', `/templates/${id}`, { state: 'published' })
  expect(await refused('/batches', { template_id: id, name: blank, quantity: 1 })).toEqual({
    status: 400,
    at: ['/body/name'],
  })
})

test('a schema that is no good for a category is refused, with the place', async () => {
  const schema = {
    type: 'object',
    properties: {
      a: { $ref: 'file:///etc/passwd' },
      b: { type: 'string', maxLength: 99, pattern: '(a+)+$' },
    },
    additionalProperties: false,
  }
  const input = { name: 'bad', titles: { 'zh-CN': '坏', en: 'Bad' }, schema }
  const { status, body } = await cards.call<Problem>('POST', '/categories', input)
  expect([status, body.code]).toEqual([422, 'category.schema_invalid'])
  expect(pointers(body)[0]).toBe('/body/schema/properties/a/$ref')
})

test('attributes outside the schema are refused, each with its place', async () => {
  const wrong = { style: '', difficulty: 9, colour: 'red' }
  const { status, body } = await cards.call<Problem>('POST', '/templates', {
    ...anyTemplate,
    attributes: wrong,
  })
  expect([status, body.code]).toEqual([422, 'template.invalid'])
  expect(pointers(body).sort()).toEqual([
    '/body/attributes/colour',
    '/body/attributes/difficulty',
    '/body/attributes/duration_seconds',
    '/body/attributes/style',
  ])
  const long = { ...anyTemplate, attributes: { style: 'x'.repeat(40_000) } }
  expect(pointers((await cards.call<Problem>('POST', '/templates', long)).body)).toEqual(['/body/attributes'])
  const other = { ...anyTemplate, category: 'none' }
  expect((await cards.call('POST', '/templates', other)).body).toMatchObject({ code: 'category.not_found' })
  const rewarded = { ...anyTemplate, rewards: { membership: { plan: 'gold', days: 3 } } }
  expect(pointers((await cards.call<Problem>('POST', '/templates', rewarded)).body)).toEqual([
    '/body/rewards/membership/plan',
  ])
  const { items } = (await cards.call<{ items: { id: string }[] }>('GET', '/memberships')).body
  expect(items.map(({ id }) => id)).toContain('vip')
})

test('each save is a version, and the earlier ones stay', async () => {
  const first = await cards.template({ name: 'v1' })
  const save = (base_version: number, content: object) => {
    const { category: _, ...rest } = anyTemplate
    return cards.call<Template>('PUT', `/templates/${first.id}`, { ...rest, ...content, base_version })
  }
  expect((await save(1, { name: 'v1' })).body.version).toBe(1)
  expect((await save(1, { name: 'v2', rarity: 'epic' })).body).toMatchObject({ version: 2, rarity: 'epic' })
  expect(await save(1, { name: 'late' })).toMatchObject({ status: 409, body: { code: 'template.changed' } })
  const race = await Promise.all(['a', 'b', 'c', 'd'].map(name => save(2, { name })))
  expect(race.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
  const { items } = (
    await cards.call<{ items: TemplateVersion[] }>('GET', `/templates/${first.id}/versions?limit=2`)
  ).body
  expect(items.map(({ version }) => version)).toEqual([3, 2])
  expect(items[1]).toMatchObject({ name: 'v2', rarity: 'epic' })
  const strange = `/templates/${first.id}/versions?cursor=${encodeCursor([2 ** 31])}`
  expect((await cards.call('GET', strange)).status).toBe(400)
})

test('templates are found by category, rarity, state and name', async () => {
  const { id } = await cards.template({ name: 'Find 100%_me', rarity: 'legendary' })
  const find = async (query: string) =>
    (await cards.call<{ items: Template[] }>('GET', `/templates?${query}`)).body.items.map(item => item.id)
  expect(await find('q=100%25_ME')).toEqual([id])
  expect(await find('rarity=legendary&category=dance&state=published')).toContain(id)
  expect(await find('rarity=legendary&category=song')).toEqual([])
  const sizes = await app.app.use(cardsKey).setSizes()
  expect(sizes.find(({ category }) => category === 'dance')?.total).toBeGreaterThan(0)
})

test('pictures and music are known by their bytes, and seen once published', async () => {
  const image = await cards.upload(onePixel, '../x.exe')
  expect(image).toMatchObject({
    status: 201,
    body: { kind: 'image', media_type: 'image/png', name: 'x.exe' },
  })
  const audio = await cards.upload(new Uint8Array(wav), 'a.wav')
  expect(audio).toMatchObject({ status: 201, body: { kind: 'audio' } })
  const bytesOf = (text: string) => new Uint8Array(Buffer.from(text))
  expect(await cards.upload(bytesOf('<svg onload="x"/>'), 'a.png')).toMatchObject({ status: 415 })
  expect(await cards.upload(bytesOf(''))).toMatchObject({ status: 400, body: { code: 'card_file.empty' } })
  const big = new Uint8Array(Buffer.concat([onePixel, Buffer.alloc(1_100_000)]))
  expect(await cards.upload(big)).toMatchObject({ status: 413, body: { code: 'card_file.too_large' } })

  const song = {
    ...anyTemplate,
    category: 'song',
    attributes: { genre: '流行', bpm: 120, artist: '某人', audio_file: image.body.id },
  }
  const wrongKind = await cards.call<Problem>('POST', '/templates', song)
  expect(pointers(wrongKind.body)).toEqual(['/body/attributes/audio_file'])
  song.attributes.audio_file = audio.body.id
  const { id } = (await cards.call<Template>('POST', '/templates', { ...song, images: [image.body.id] })).body

  const user = await signUp(app)
  const open = async (file: string, { headers }: Pick<TestUser, 'headers'> = user) =>
    (await app.fetch(`/api/v1/cards/files/${file}/content`, { headers })).status
  expect(await open(image.body.id)).toBe(404)
  await cards.call('PATCH', `/templates/${id}`, { state: 'published' })
  expect(await open(image.body.id)).toBe(200)
  // Music is for those who own it.
  expect(await open(audio.body.id)).toBe(404)
  expect(await open(audio.body.id, operator)).toBe(200)
  const batch = await cards.released({ template_id: id, quantity: 1 })
  const csv = await app.fetch(`/api/v1/cards/batches/${batch.id}/codes.csv`, { headers: operator.headers })
  const code = (await csv.text()).split('\r\n')[1]?.split(',')[1]
  expect((await cardsClient(app, user).call('POST', '/redemptions', { code })).status).toBeLessThan(300)
  expect(await open(audio.body.id)).toBe(200)
})

test('a batch goes through its states, and only in their order', async () => {
  const draft = (await cards.call<Template>('POST', '/templates', anyTemplate)).body
  const early = { template_id: draft.id, name: 'x', quantity: 1 }
  expect((await cards.call('POST', '/batches', early)).body).toMatchObject({ code: 'template.not_published' })

  const batch = await cards.batch({ quantity: 5, valid_days: 30, channel: '天猫' })
  expect(batch).toMatchObject({ state: 'draft', generated: 0, has_secret: false, expires_at: null })
  const act = (name: string) => cards.call<Batch & Problem>('POST', `/batches/${batch.id}/${name}`)
  for (const name of ['release', 'freeze'])
    expect((await act(name)).body).toMatchObject({ code: 'batch.wrong_state' })
  const said = async (language: string) => {
    const headers = { ...operator.headers, 'accept-language': language }
    const path = `/api/v1/cards/batches/${batch.id}/release`
    return (await (await app.fetch(path, { method: 'POST', headers })).json()) as { detail: string }
  }
  expect(await said('zh-CN')).toMatchObject({
    detail: '批次当前为“草稿”，不能进行此操作（需要：待发行、已冻结）。',
    details: { state: 'draft' },
  })
  expect((await said('en')).detail).toContain('“draft”. It needs to be: ready, frozen.')
  expect((await cards.call('DELETE', `/batches/${batch.id}/secret`)).status).toBe(409)

  expect((await act('generate')).status).toBe(202)
  await vi.waitFor(async () => expect((await cards.find(batch.id)).state).toBe('ready'), 30_000)
  expect((await act('generate')).body.code).toBe('batch.wrong_state')
  expect((await cards.call('DELETE', `/batches/${batch.id}`)).status).toBe(409)

  const released = (await act('release')).body
  expect(Date.parse(released.expires_at ?? '') - Date.parse(released.released_at ?? '')).toBe(30 * 86_400_000)
  expect((await act('freeze')).body.state).toBe('frozen')
  const again = (await act('release')).body
  expect(again.expires_at).toBe(released.expires_at)
  expect((await cards.call('PATCH', `/batches/${batch.id}`, { notes: 'n' })).body).toMatchObject({
    notes: 'n',
  })
  expect((await act('void')).body.state).toBe('void')
  expect((await act('release')).body.code).toBe('batch.wrong_state')
})

test('a batch is for one version, has one kind of validity, and a draft can go', async () => {
  const { id, version } = await cards.template()
  const make = (input: object) =>
    cards.call<Batch & Problem>('POST', '/batches', { template_id: id, name: 'x', quantity: 1, ...input })
  expect((await make({})).body.template_version).toBe(version)
  expect((await make({ template_version: 9 })).status).toBe(404)
  expect((await make({ template_version: 2 ** 31 })).status).toBe(400)
  const future = new Date(Date.now() + 86_400_000).toISOString()
  expect((await make({ valid_until: future })).body.expires_at).toBe(future)
  for (const input of [{ valid_until: future, valid_days: 3 }, { valid_until: '2020-01-01T00:00:00Z' }])
    expect((await make(input)).body.code).toBe('batch.validity_invalid')
  // In the year 10000 of UTC.
  const far = await make({ valid_until: '9999-12-31T23:59:59-14:00' })
  expect(far.body.code).toBe('batch.validity_too_far')
  for (const quantity of [0, 1_000_001, 1.5, '3']) expect((await make({ quantity })).status).toBe(400)
  const draft = await make({})
  expect((await cards.call('DELETE', `/batches/${draft.body.id}`)).status).toBe(204)
  expect((await cards.call('GET', `/batches/${draft.body.id}`)).status).toBe(404)
})

test('a whole set is split by the weights of rarities', async () => {
  for (const [name, rarity] of [
    ['a', 'common'],
    ['b', 'common'],
    ['c', 'legendary'],
  ])
    await cards.template({ name, rarity, set_name: '十二生肖' })
  const input = { set_name: '十二生肖', name: '春节', quantity: 1000 }
  const { status, body } = await cards.call<{ items: Batch[] }>('POST', '/batch-sets', input)
  expect(status).toBe(201)
  expect(body.items.map(({ name, quantity }) => [name, quantity])).toEqual([
    ['春节 · a', 496],
    ['春节 · b', 495],
    ['春节 · c', 9],
  ])
  expect(await cards.call('POST', '/batch-sets', { ...input, set_name: 'none' })).toMatchObject({
    status: 404,
    body: { code: 'batch.set_empty', details: { set_name: 'none' } },
  })
})

test('operators hear of a batch live, and of what two do at once one wins', async () => {
  const batch = await cards.batch({ quantity: 4500 })
  const heard: Batch[] = []
  const subscription = await app.core.realtime.subscribe(`cards.batch.${batch.id}`, {}, ({ data }) =>
    heard.push((data as { batch: Batch }).batch),
  )
  const answers = await Promise.all([1, 2, 3].map(() => cards.call('POST', `/batches/${batch.id}/generate`)))
  expect(answers.some(({ status }) => status === 202)).toBe(true)
  await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ state: 'ready', generated: 4500 }), 60_000)
  subscription.close()
  const { rows } = await sql<{ count: number }>`
    SELECT count(DISTINCT code_hash) AS count FROM cards_card WHERE batch_id = ${batch.id}`.execute(
    app.core.db.primary,
  )
  expect(rows[0]?.count).toBe(4500)
})

test('a generation that was cancelled goes on when it is asked to', async () => {
  const batch = await cards.batch({ quantity: 200_000 })
  const begun = await cards.call<Batch>('POST', `/batches/${batch.id}/generate`)
  const again = await cards.call<Batch>('POST', `/batches/${batch.id}/generate`)
  expect([again.status, again.body.job_id]).toEqual([202, begun.body.job_id])
  await vi.waitFor(async () => expect((await cards.find(batch.id)).generated).toBeGreaterThan(0), 60_000)
  const job_id = begun.body.job_id ?? ''
  await app.core.jobs.cancel(job_id)
  await vi.waitFor(async () => expect((await app.core.jobs.get(job_id))?.state).toBe('cancelled'), 30_000)
  expect((await cards.find(batch.id)).state).toBe('generating')
  expect((await cards.call('POST', `/batches/${batch.id}/generate`)).status).toBe(202)
  await vi.waitFor(async () => expect((await app.core.jobs.get(job_id))?.state).not.toBe('cancelled'), 30_000)
  await cards.call('POST', `/batches/${batch.id}/void`)
}, 120_000)

test('voiding stops a generation that runs', async () => {
  const batch = await cards.batch({ quantity: 1_000_000 })
  await cards.call('POST', `/batches/${batch.id}/generate`)
  await vi.waitFor(async () => expect((await cards.find(batch.id)).generated).toBeGreaterThan(0), 60_000)
  await cards.call('POST', `/batches/${batch.id}/void`)
  const { job_id } = await cards.find(batch.id)
  await vi.waitFor(
    async () => expect((await app.core.jobs.get(job_id ?? ''))?.state).toBe('succeeded'),
    60_000,
  )
  const { generated, state } = await cards.find(batch.id)
  expect(state).toBe('void')
  expect(generated).toBeLessThan(1_000_000)
})

test('a user is no operator', async () => {
  const user = cardsClient(app, await signUp(app))
  expect((await user.call('GET', '/batches')).status).toBe(403)
  expect((await user.call('POST', '/templates', anyTemplate)).status).toBe(403)
  expect((await user.call('GET', '/categories')).status).toBe(200)
})
