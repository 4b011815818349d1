import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { newId } from '#core/ids.ts'
import { createTestDb } from '#core/testing/database.ts'
import { startFakeOpenai } from '#core/testing/fake-openai.ts'
import { newSecretKey, openTestAi } from './ai.testing.ts'

let database: Awaited<ReturnType<typeof createTestDb>>
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  database = await createTestDb()
})
beforeEach(async () => {
  await sql`TRUNCATE ai_provider, ai_model, ai_setting`.execute(database.db.primary)
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})
afterAll(() => database.drop())

function open(env: Record<string, string> = {}, options: Parameters<typeof openTestAi>[2] = {}) {
  const opened = openTestAi(database.db, env, options)
  closers.push(opened.stop)
  return opened
}
async function fakeServer(options: Parameters<typeof startFakeOpenai>[0] = {}) {
  const server = await startFakeOpenai(options)
  closers.push(server.stop)
  return server
}
const user = newId()

test('without any provider the offline engine answers, and only then', async () => {
  const { ai, change } = open()
  expect(await ai.modelsFor(user)).toMatchObject([
    { id: 'offline', is_default: true, provider_id: 'offline' },
  ])
  await expect(ai.modelFor(user, 'gpt-5')).rejects.toMatchObject({ code: 'ai.model_not_found', status: 404 })
  change({ MOONSHOT_API_KEY: 'sk-moon-1,sk-moon-2' })
  const models = await ai.modelsFor(user)
  expect(models.map(model => model.provider_id)).toEqual(models.map(() => 'moonshot'))
  expect(models.filter(model => model.is_default)).toHaveLength(1)
  expect(await ai.modelFor(user)).toMatchObject({ id: models[0]?.id, provider_id: 'moonshot' })
  change({ AI_DEFAULT_MODEL: 'kimi-k3' })
  expect(await ai.modelFor(user, '')).toMatchObject({ id: 'kimi-k3' })
  expect((await ai.providers.list())[0]).toMatchObject({ id: 'moonshot', source: 'env', keys: [{}, {}] })
})

test('an Ollama is found by itself, and missed when it is gone', async () => {
  const server = await fakeServer({ models: ['qwen3:8b', 'nomic-embed-text'] })
  const { ai } = open({ OLLAMA_URL: server.url })
  const found = [{ id: 'qwen3:8b', provider_id: 'ollama', input_price: 0 }]
  await vi.waitFor(async () => expect(await ai.modelsFor(user)).toMatchObject(found), 20_000)
  expect(await ai.modelsFor(user, 'embedding')).toMatchObject([{ id: 'nomic-embed-text' }])
  await server.stop()
  const later = open({ OLLAMA_URL: server.url })
  expect(await later.ai.providers.list()).toEqual([])
  expect(await later.ai.modelFor(user)).toMatchObject({ id: 'offline' })
})

test('a key is write-only, encrypted where it lies, and used', async () => {
  const server = await fakeServer()
  const { ai } = open()
  const url = `${server.url}/v1`
  const made = await ai.providers.create({
    kind: 'openai-compatible',
    base_url: `${url}/`,
    api_key: ' sk-secret-abcd1234 ',
  })
  expect(made).toEqual({
    id: 'openai-compatible',
    kind: 'openai-compatible',
    name: 'OpenAI-compatible (vLLM, LM Studio …)',
    base_url: url,
    source: 'admin',
    is_enabled: true,
    keys: [{ id: expect.any(String), last_four: '1234', weight: 1 }],
  })
  const { rows } = await sql<{ keys: unknown }>`SELECT keys FROM ai_provider`.execute(database.db.primary)
  expect(JSON.stringify(rows)).not.toContain('secret-abcd')
  const ids = async () => (await ai.modelsFor(user)).map(model => model.id)
  await vi.waitFor(async () => expect(await ids()).toEqual(['fake-1', 'fake-2']), 20_000)
  expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer sk-secret-abcd1234')

  await expect(ai.providers.update(made.id, { base_url: 'http://127.0.0.1:9/v1' })).rejects.toMatchObject({
    code: 'ai.key_needed',
  })
  const pooled = await ai.providers.addKey(made.id, 'sk-second-key-5678', 3)
  expect(pooled.keys).toMatchObject([{ last_four: '1234' }, { last_four: '5678', weight: 3 }])
  const [first] = pooled.keys
  expect((await ai.providers.deleteKey(made.id, first?.id ?? '')).keys).toMatchObject([{ last_four: '5678' }])
  await expect(ai.providers.deleteKey(made.id, 'x')).rejects.toMatchObject({ code: 'ai.key_not_found' })

  expect(await ai.providers.update(made.id, { is_enabled: false, name: 'Mine' })).toMatchObject({
    name: 'Mine',
  })
  expect(await ai.modelFor(user)).toMatchObject({ id: 'offline' })
  await ai.providers.delete(made.id)
  expect(await ai.providers.list()).toEqual([])
  await expect(ai.providers.delete(made.id)).rejects.toMatchObject({ code: 'ai.provider_not_found' })
})

test('what cannot work is refused with what to do', async () => {
  const { ai } = open({ DEEPSEEK_API_KEY: 'sk-deep' })
  await expect(ai.providers.create({ kind: 'nope' })).rejects.toMatchObject({
    code: 'ai.unknown_provider_kind',
  })
  await expect(ai.providers.create({ kind: 'openai' })).rejects.toMatchObject({ code: 'ai.key_needed' })
  for (const base_url of ['', 'ftp://x', 'nonsense', 'http://user:pass@host/v1'])
    await expect(ai.providers.create({ kind: 'openai-compatible', base_url })).rejects.toMatchObject({
      code: 'ai.base_url_needed',
    })
  await expect(ai.providers.create({ kind: 'openai', api_key: 'two\nlines' })).rejects.toMatchObject({
    code: 'ai.key_needed',
  })
  await expect(ai.providers.update('deepseek', { name: 'x' })).rejects.toMatchObject({
    code: 'ai.provider_of_environment',
  })
  const model = { id: 'm', provider_id: 'deepseek', upstream_model: 'm' }
  await expect(ai.models.create({ ...model, provider_id: 'x' })).rejects.toMatchObject({
    code: 'ai.provider_not_found',
  })
  await expect(ai.models.create({ ...model, currency: 'EUR' })).rejects.toMatchObject({
    code: 'ai.unknown_currency',
  })
  await expect(ai.models.create({ ...model, fallbacks: ['m'] })).rejects.toMatchObject({
    code: 'ai.bad_fallback',
  })
  await ai.models.create(model)
  await expect(ai.models.create(model)).rejects.toMatchObject({ code: 'ai.model_exists' })
  await expect(ai.models.delete('deepseek-flash')).rejects.toMatchObject({ code: 'ai.model_of_preset' })
  await expect(ai.models.delete('none')).rejects.toMatchObject({ code: 'ai.model_not_found' })
})

test('administrators decide who may use which model, and which is the default', async () => {
  const { ai } = open({ DEEPSEEK_API_KEY: 'sk-deep' })
  const [vip, admin, plain] = [newId(), newId(), newId()]
  ai.useLabels(async id => (id === vip ? ['user', 'vip'] : id === admin ? ['admin'] : ['user']))
  await ai.models.update('deepseek-v4-pro', { audience: ['vip'], is_default: true, name: 'Pro' })
  const idsFor = async (id: string) =>
    (await ai.modelsFor(id)).map(model => `${model.id}:${model.is_default}`)
  expect(await idsFor(vip)).toEqual(['deepseek-flash:false', 'deepseek-v4-pro:true'])
  expect(await idsFor(admin)).toEqual(['deepseek-flash:false', 'deepseek-v4-pro:true'])
  expect(await idsFor(plain)).toEqual(['deepseek-flash:true'])
  await expect(ai.modelFor(plain, 'deepseek-v4-pro')).rejects.toMatchObject({ code: 'ai.model_not_found' })

  await ai.models.update('deepseek-flash', { is_default: true })
  expect(await idsFor(vip)).toEqual(['deepseek-flash:true', 'deepseek-v4-pro:false'])
  await ai.models.update('deepseek-flash', { is_enabled: false })
  expect(await idsFor(plain)).toEqual([])
  await ai.models.delete('deepseek-flash')
  expect(await idsFor(plain)).toEqual(['deepseek-flash:true'])
})

test('two providers of one kind keep their models apart', async () => {
  const { ai } = open({ DEEPSEEK_API_KEY: 'sk-deep' })
  const second = await ai.providers.create({ kind: 'deepseek', api_key: 'sk-other-deep-key' })
  expect(second.id).toBe('deepseek-2')
  expect((await ai.modelsFor(user)).map(model => model.id)).toEqual([
    'deepseek-flash',
    'deepseek-v4-pro',
    'deepseek-2/deepseek-flash',
    'deepseek-2/deepseek-v4-pro',
  ])
})

test('a provider is tried before it is kept', async () => {
  const server = await fakeServer()
  const refusing = await fakeServer({ script: () => ({ status: 401, body: { error: { message: 'no' } } }) })
  const { ai } = open()
  const { signal } = new AbortController()
  const draft = { kind: 'openai-compatible', api_key: 'sk-x' }
  expect(await ai.providers.test({ ...draft, base_url: `${server.url}/v1` }, signal)).toEqual({
    latency_ms: expect.any(Number),
    models: ['fake-1', 'fake-2'],
    error: null,
  })
  expect(server.requests.at(-1)?.body).toMatchObject({ model: 'fake-1', max_tokens: 16 })
  const refused = await ai.providers.test({ ...draft, base_url: `${refusing.url}/v1` }, signal)
  expect(refused.error).toMatchObject({ code: 'ai.bad_key' })
  const gone = await ai.providers.test({ ...draft, base_url: 'http://127.0.0.1:1/v1' }, signal)
  expect(gone.error).toMatchObject({ code: 'ai.upstream_failed' })
  await expect(ai.providers.test({ id: 'none' }, signal)).rejects.toMatchObject({
    code: 'ai.provider_not_found',
  })
})

test('another process sees the change of an administrator once its cache is told', async () => {
  const { ai } = open({ DEEPSEEK_API_KEY: 'sk-deep' })
  await ai.modelsFor(user)
  await sql`
    INSERT INTO ai_model (id, provider_id, upstream_model, name, context_window, max_output)
    VALUES ('side', 'deepseek', 'side', 'Side', 1000, 100)`.execute(database.db.primary)
  expect((await ai.modelsFor(user)).some(model => model.id === 'side')).toBe(false)
  await ai.models.update('deepseek-flash', { name: 'Flash' })
  expect((await ai.modelsFor(user)).some(model => model.id === 'side')).toBe(true)
})

test('stored keys outlive the key that encrypted them, once they are encrypted anew', async () => {
  const [older, newer] = [newSecretKey('older'), newSecretKey('newer')]
  await open({}, { keys: [older] }).ai.providers.create({ kind: 'deepseek', api_key: 'sk-deep-key-4321' })
  const { ai } = open({}, { keys: [newer, older] })
  expect(await ai.providers.rotateSecrets()).toBe(1)
  expect(await ai.providers.rotateSecrets()).toBe(0)
  const [provider] = await open({}, { keys: [newer] }).ai.providers.list()
  expect(provider).toMatchObject({ id: 'deepseek', is_enabled: true, keys: [{ last_four: '4321' }] })
  const [lost] = await open({}, { keys: [newSecretKey('other')] }).ai.providers.list()
  expect(lost).toMatchObject({ is_enabled: false, keys: [] })
})
