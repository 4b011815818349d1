import { createServer } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { AppError } from '#core/errors.ts'
import { createLog, silentLog } from '#core/log.ts'
import { startFakeAnthropic } from '#core/testing/fake-anthropic.ts'
import { answerSteps, type FakeOpenaiScript, startFakeOpenai } from '#core/testing/fake-openai.ts'
import type { FakeServer } from '#core/testing/fake-server.ts'
import { createGateway, type Gateway } from './gateway.ts'
import { fakeTarget, manualClock, textIn } from './testing.ts'
import type { Delta, Target, UpstreamRequest } from './types.ts'

/* Real: sockets, undici, the whole gateway. Faked: the providers, as loopback servers that speak their protocols. */

const cleanup: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of cleanup.splice(0)) await stop()
})

async function fake(script?: FakeOpenaiScript): Promise<FakeServer> {
  const server = await startFakeOpenai({ script })
  cleanup.push(server.stop)
  return server
}

function gatewayWith(options: Partial<Parameters<typeof createGateway>[0]> = {}): Gateway {
  const gateway = createGateway({ log: silentLog, clock: manualClock(), ...options })
  cleanup.push(gateway.stop)
  return gateway
}

const hello: UpstreamRequest = { messages: [{ role: 'user', content: 'hello' }] }
const never = () => new AbortController().signal

async function collectAll(deltas: AsyncIterable<Delta>): Promise<{ deltas: Delta[]; error: unknown }> {
  const seen: Delta[] = []
  try {
    for await (const delta of deltas) seen.push(delta)
    return { deltas: seen, error: null }
  } catch (error) {
    return { deltas: seen, error }
  }
}

const codeOf = (error: unknown) => (error instanceof AppError ? error.code : error)

test('streams text, reasoning, tool calls, the finish reason and the usage', async () => {
  const server = await fake(() => ({
    steps: [
      { reasoning: 'hm' },
      { reasoning: ', yes', field: 'reasoning' },
      { text: '你' },
      { text: '好' },
      { tool_call: { index: 0, id: 'call_1', name: 'look', arguments: '{"q":' } },
      { tool_call: { index: 0, arguments: '"x"}' } },
      { tool_call: { index: 1, id: 'call_2', name: 'look', arguments: '{}' } },
      { finish: 'tool_calls' },
      { usage: { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } } },
    ],
  }))
  const served = vi.fn()
  const { deltas, error } = await collectAll(
    gatewayWith().stream([fakeTarget(server)], hello, never(), served),
  )
  expect(error).toBeNull()
  expect(deltas).toEqual([
    { type: 'reasoning', text: 'hm' },
    { type: 'reasoning', text: ', yes' },
    { type: 'text', text: '你' },
    { type: 'text', text: '好' },
    { type: 'tool_call', index: 0, id: 'call_1', name: 'look', arguments: '{"q":' },
    { type: 'tool_call', index: 0, arguments: '"x"}' },
    { type: 'tool_call', index: 1, id: 'call_2', name: 'look', arguments: '{}' },
    { type: 'finish', reason: 'tool_calls' },
    {
      type: 'usage',
      usage: { prompt_tokens: 9, completion_tokens: 4, cached_tokens: 3, source: 'upstream' },
    },
  ])
  expect(served).toHaveBeenCalledExactlyOnceWith({
    target: expect.objectContaining({ provider_id: 'fake' }),
    first_token_ms: expect.any(Number),
  })
  expect(server.requests[0]).toMatchObject({
    path: '/v1/chat/completions',
    headers: { authorization: 'Bearer secret-key-1' },
    body: {
      model: 'fake-1',
      stream: true,
      stream_options: { include_usage: true },
      messages: hello.messages,
    },
  })
})

test('collects an answer', async () => {
  const server = await fake(() => ({
    steps: [
      { tool_call: { index: 0, id: 'a', name: 'f', arguments: '{' } },
      { tool_call: { index: 0, arguments: '}' } },
      { finish: 'tool_calls' },
    ],
  }))
  expect(await gatewayWith().complete([fakeTarget(server)], hello, never())).toEqual({
    content: '',
    reasoning: '',
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
    finish_reason: 'tool_calls',
    usage: null,
  })
})

test.each([
  ['absent', [{ text: 'x' }, { finish: 'stop' }], undefined],
  ['zero', [{ text: 'x' }, { finish: 'stop' }, { usage: { prompt_tokens: 0, completion_tokens: 0 } }], 0],
  [
    'with the finish',
    [{ text: 'x' }, { finish: 'stop', usage: { prompt_tokens: 5, completion_tokens: 1 } }],
    5,
  ],
  ['first', [{ usage: { prompt_tokens: 5, completion_tokens: 1 } }, { text: 'x' }, { finish: 'stop' }], 5],
  [
    'inside the choice',
    [
      { text: 'x' },
      {
        data: '{"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":5,"completion_tokens":1}}]}',
      },
    ],
    5,
  ],
])('takes a usage that is %s for what it is', async (_, steps, expected) => {
  const server = await fake(() => ({ steps }))
  const { deltas } = await collectAll(gatewayWith().stream([fakeTarget(server)], hello, never()))
  const usages = deltas.flatMap(delta => (delta.type === 'usage' ? [delta.usage.prompt_tokens] : []))
  expect(usages).toEqual(expected === undefined ? [] : [expected])
})

test('reads an answer that comes in one piece although a stream was asked for', async () => {
  const server = await fake(() => ({
    status: 200,
    body: { choices: [{ message: { content: 'whole' }, finish_reason: 'stop' }] },
  }))
  const { deltas } = await collectAll(gatewayWith().stream([fakeTarget(server)], hello, never()))
  expect(deltas).toEqual([
    { type: 'text', text: 'whole' },
    { type: 'finish', reason: 'stop' },
  ])
})

test.each([
  [{ status: 500, body: { error: { message: 'boom' } } }, 'ai.upstream_failed'],
  [{ status: 429, body: {}, headers: { 'retry-after': '7' } }, 'ai.upstream_rate_limited'],
  [{ status: 401, body: { error: { message: 'Incorrect API key provided: secret-key-1' } } }, 'ai.bad_key'],
  [{ status: 429, body: { error: { code: 'insufficient_quota', message: 'x' } } }, 'ai.bad_key'],
  [{ status: 404, body: { error: { message: 'no such model' } } }, 'ai.upstream_model_missing'],
  [
    { status: 400, body: { error: { code: 'context_length_exceeded', message: 'x' } } },
    'ai.context_too_long',
  ],
  [{ status: 400, body: { error: { code: 'content_filter', message: 'x' } } }, 'ai.content_refused'],
  [{ status: 400, body: { error: { message: 'bad temperature' } } }, 'ai.upstream_rejected'],
  [{ status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } }, 'ai.upstream_malformed'],
  [{ status: 200, body: '<html>a login page</html>' }, 'ai.upstream_malformed'],
  [{ steps: [{ data: '{"choices": oops' }] }, 'ai.upstream_malformed'],
  [{ steps: [{ data: '{"error":{"message":"overloaded"}}' }] }, 'ai.upstream_failed'],
  [{ steps: [{ cut: true as const }] }, 'ai.upstream_failed'],
])('%o becomes %s', async (answer, code) => {
  const server = await fake(() => answer)
  const { deltas, error } = await collectAll(gatewayWith().stream([fakeTarget(server)], hello, never()))
  expect(deltas).toEqual([])
  expect(codeOf(error)).toBe(code)
  expect(String(error)).not.toContain('secret-key')
  if (code === 'ai.upstream_rate_limited') expect(error).toMatchObject({ retryAfter: 7 })
})

test('neither errors nor log lines hold a key', async () => {
  const lines: string[] = []
  const server = await fake(() => ({
    status: 400,
    body: { error: { message: 'what is sk-proj-abcdefghijklmnop doing here?' }, secret: 'the whole body' },
  }))
  const gateway = gatewayWith({ log: createLog('debug', line => lines.push(line)) })
  const { error } = await collectAll(gateway.stream([fakeTarget(server)], hello, never()))
  expect(error).toMatchObject({ details: { reason: 'what is [redacted] doing here?' } })
  expect(JSON.stringify(error) + lines.join()).not.toMatch(/secret-key|sk-proj|whole body/)
})

test('falls back along the chain, lower priority numbers first', async () => {
  const broken = await fake(() => ({ status: 503, body: {} }))
  const sound = await fake()
  const targets: Target[] = [
    fakeTarget(sound, { provider_id: 'second', priority: 2 }),
    fakeTarget(broken, { provider_id: 'first', priority: 1 }),
  ]
  const { deltas } = await collectAll(gatewayWith().stream(targets, hello, never()))
  expect(textIn(deltas)).toBe('Hello from the fake.')
  expect([broken.requests.length, sound.requests.length]).toEqual([1, 1])
})

test('a failure that passes is tried once more', async () => {
  const server = await fake((_, count) =>
    count === 1 ? { status: 500, body: {} } : { steps: answerSteps('again') },
  )
  const { deltas } = await collectAll(gatewayWith().stream([fakeTarget(server)], hello, never()))
  expect(textIn(deltas)).toBe('again')
})

test('weights share out first tries inside a group', async () => {
  const [often, rarely] = [await fake(), await fake()]
  const gateway = gatewayWith()
  const targets = [
    fakeTarget(often, { provider_id: 'often', weight: 9 }),
    fakeTarget(rarely, { provider_id: 'rarely', weight: 1 }),
  ]
  for (let i = 0; i < 100; i++) await gateway.complete(targets, hello, never())
  // 90 are expected; fewer than 70 would come up once in 10^8 runs.
  expect(often.requests.length).toBeGreaterThan(70)
  expect(rarely.requests.length).toBeGreaterThan(0)
})

test('what is wrong with the request itself is not tried elsewhere', async () => {
  const picky = await fake(() => ({ status: 400, body: { error: { message: 'no' } } }))
  const other = await fake()
  const targets = [
    fakeTarget(picky, { provider_id: 'a' }),
    fakeTarget(other, { provider_id: 'b', priority: 1 }),
  ]
  const { error } = await collectAll(gatewayWith().stream(targets, hello, never()))
  expect(codeOf(error)).toBe('ai.upstream_rejected')
  expect(other.requests).toHaveLength(0)
})

test('a refused key rests as long as it is told to, and another takes its place', async () => {
  const clock = manualClock()
  const server = await fake(request =>
    request.headers.authorization === 'Bearer limited'
      ? { status: 429, body: {}, headers: { 'retry-after': '30' } }
      : { steps: answerSteps('ok') },
  )
  const gateway = gatewayWith({ clock })
  const keys = [
    { id: 'limited', value: 'limited', weight: 1_000_000 },
    { id: 'spare', value: 'spare', weight: 0 },
  ]
  const target = fakeTarget(server, { keys })
  const used = () => server.requests.splice(0).map(request => request.headers.authorization)
  await gateway.complete([target], hello, never())
  expect(used()).toEqual(['Bearer limited', 'Bearer spare'])
  expect(gateway.states()).toMatchObject([{ provider_id: 'fake', resting_keys: ['limited'] }])
  clock.advance(29_000)
  await gateway.complete([target], hello, never())
  expect(used()).toEqual(['Bearer spare'])
  clock.advance(2000)
  await gateway.complete([target], hello, never())
  expect(used()).toEqual(['Bearer limited', 'Bearer spare'])
})

test('when every key rests nothing is asked and the error says for how long', async () => {
  const clock = manualClock()
  const server = await fake(() => ({ status: 429, body: {}, headers: { 'retry-after': '30' } }))
  const gateway = gatewayWith({ clock })
  await collectAll(gateway.stream([fakeTarget(server)], hello, never()))
  clock.advance(10_000)
  const { error } = await collectAll(gateway.stream([fakeTarget(server)], hello, never()))
  expect(codeOf(error)).toBe('ai.upstream_rate_limited')
  expect(error).toMatchObject({ retryAfter: 20 })
  expect(server.requests).toHaveLength(1)
  const replaced = fakeTarget(server, { keys: [{ id: 'k1', value: 'a new one', weight: 1 }] })
  await collectAll(gateway.stream([replaced], hello, never()))
  expect(server.requests).toHaveLength(2)
})

test('a provider that keeps failing is left alone, then tried by one request', async () => {
  const clock = manualClock()
  let broken = true
  const server = await fake(() => (broken ? { status: 500, body: {} } : { steps: answerSteps('well again') }))
  const gateway = gatewayWith({ clock })
  for (let i = 0; i < 3; i++) await collectAll(gateway.stream([fakeTarget(server)], hello, never()))
  expect(gateway.states()).toMatchObject([{ circuit: 'open' }])
  const before = server.requests.length
  const { error } = await collectAll(gateway.stream([fakeTarget(server)], hello, never()))
  expect(codeOf(error)).toBe('ai.upstream_failed')
  expect(server.requests).toHaveLength(before)
  broken = false
  clock.advance(31_000)
  const { deltas } = await collectAll(gateway.stream([fakeTarget(server)], hello, never()))
  expect(textIn(deltas)).toBe('well again')
  expect(gateway.states()).toMatchObject([{ circuit: 'closed' }])
})

test('after the first delta nothing is tried again: the text so far, what was counted, then the error', async () => {
  const cutting = await fake(() => ({
    steps: [{ text: 'half an' }, { usage: { prompt_tokens: 5, completion_tokens: 2 } }, { cut: true }],
  }))
  const other = await fake()
  const targets = [fakeTarget(cutting), fakeTarget(other, { provider_id: 'other', priority: 1 })]
  const { deltas, error } = await collectAll(gatewayWith().stream(targets, hello, never()))
  expect(deltas).toEqual([
    { type: 'text', text: 'half an' },
    { type: 'usage', usage: { prompt_tokens: 5, completion_tokens: 2, source: 'partial' } },
  ])
  expect(codeOf(error)).toBe('ai.upstream_failed')
  expect(other.requests).toHaveLength(0)
})

test('a stream that ends without finish reason was cut', async () => {
  const server = await fake(() => ({ steps: [{ text: 'half' }], done: false }))
  const { deltas, error } = await collectAll(gatewayWith().stream([fakeTarget(server)], hello, never()))
  expect(textIn(deltas)).toBe('half')
  expect(codeOf(error)).toBe('ai.upstream_failed')
})

test('a cut inside a character or a frame brings no broken text', async () => {
  const frame = Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"你好"}}]}\n\n')
  const inCharacter = frame.indexOf('你') + 1
  const server = await fake(() => ({
    steps: [{ text: 'a' }, { raw: frame.subarray(0, inCharacter) }, { cut: true }],
  }))
  const { deltas, error } = await collectAll(gatewayWith().stream([fakeTarget(server)], hello, never()))
  expect(deltas).toEqual([{ type: 'text', text: 'a' }])
  expect(codeOf(error)).toBe('ai.upstream_failed')
})

test('a frame cut at every byte into two packets is read as one', async () => {
  const frame = Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"é你😀"}}]}\n\n')
  let cut = 0
  const server = await fake(() => ({
    steps: [{ raw: frame.subarray(0, cut) }, { raw: frame.subarray(cut) }, { finish: 'stop' }],
  }))
  const gateway = gatewayWith()
  for (cut = 1; cut < frame.length; cut++)
    expect((await gateway.complete([fakeTarget(server)], hello, never())).content, `cut at ${cut}`).toBe(
      'é你😀',
    )
})

test('aborting cancels upstream at once, whether waiting for the head, the first delta or the next', async () => {
  const gateway = gatewayWith()
  const scripts: FakeOpenaiScript[] = [
    () => ({ silent: true }),
    () => ({ steps: [{ pause: 60_000 }] }),
    () => ({ steps: [{ text: 'a' }, { pause: 60_000 }] }),
  ]
  for (const script of scripts) {
    const server = await fake(script)
    const controller = new AbortController()
    const running = collectAll(gateway.stream([fakeTarget(server)], hello, controller.signal))
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), 20_000)
    controller.abort()
    const { error } = await running
    expect(error).toMatchObject({ name: 'AbortError' })
    expect(await server.requests[0]?.aborted).toBe(true)
  }
  expect(gateway.states()).toMatchObject([{ circuit: 'closed' }])
})

test('leaving the loop cancels upstream', async () => {
  const server = await fake(() => ({ steps: [{ text: 'a' }, { text: 'b' }, { pause: 60_000 }] }))
  for await (const delta of gatewayWith().stream([fakeTarget(server)], hello, never())) {
    expect(delta).toEqual({ type: 'text', text: 'a' })
    break
  }
  expect(await server.requests[0]?.aborted).toBe(true)
})

test.each([
  ['no head', { silent: true as const }],
  ['no first delta', { steps: [{ raw: ': keep-alive\n\n' }, { pause: 60_000 }] }],
])('a slow provider times out: %s', async (_, answer) => {
  const server = await fake(() => answer)
  const other = await fake()
  // Long enough for the request to be there on a busy machine, too.
  const slow = fakeTarget(server, { timeouts: { first_token_ms: 1_000 } })
  const targets = [slow, fakeTarget(other, { provider_id: 'other', priority: 1 })]
  const gateway = gatewayWith()
  expect((await gateway.complete(targets, hello, never())).content).toBe('Hello from the fake.')
  expect(await server.requests[0]?.aborted).toBe(true)
  const { error } = await collectAll(gateway.stream([slow], hello, never()))
  expect(codeOf(error)).toBe('ai.upstream_timeout')
})

test('an answer that falls silent times out, and keeps what came', async () => {
  const server = await fake(() => ({ steps: [{ text: 'a' }, { pause: 60_000 }] }))
  const target = fakeTarget(server, { timeouts: { idle_ms: 160 } })
  const { deltas, error } = await collectAll(gatewayWith().stream([target], hello, never()))
  expect(textIn(deltas)).toBe('a')
  expect(codeOf(error)).toBe('ai.upstream_timeout')
  expect(await server.requests[0]?.aborted).toBe(true)
})

test('a provider that is not there, and one that speaks no HTTP, fail', async () => {
  const babble = createServer(socket => void socket.once('data', () => socket.end('SSH-2.0-hello\r\n')))
  await new Promise<void>(resolve => babble.listen(0, '127.0.0.1', resolve))
  const address = babble.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const gateway = gatewayWith()
  const first = await collectAll(
    gateway.stream([fakeTarget({ url: `http://127.0.0.1:${port}` })], hello, never()),
  )
  expect(codeOf(first.error)).toBe('ai.upstream_failed')
  await new Promise(resolve => babble.close(resolve))
  const second = await collectAll(
    gateway.stream([fakeTarget({ url: `http://127.0.0.1:${port}` })], hello, never()),
  )
  expect(codeOf(second.error)).toBe('ai.upstream_failed')
})

test('embeddings come in order, with the usage', async () => {
  const server = await fake()
  const target = fakeTarget(server, { upstream_model: 'embed-1' })
  expect(await gatewayWith().embeddings([target], ['a', 'bcd'], never(), { dimensions: 3 })).toEqual({
    vectors: [
      [1, 0, 0.5],
      [3, 1, 0.5],
    ],
    usage: { prompt_tokens: 2, completion_tokens: 0, source: 'upstream' },
  })
  expect(server.requests[0]?.body).toEqual({
    model: 'embed-1',
    input: ['a', 'bcd'],
    encoding_format: 'float',
    dimensions: 3,
  })
})

test('embeddings fall back past a provider that has none', async () => {
  const anthropic = await startFakeAnthropic()
  cleanup.push(anthropic.stop)
  const target = fakeTarget(anthropic, { provider_kind: 'anthropic' })
  await expect(gatewayWith().embeddings([target], ['a'], never())).rejects.toMatchObject({
    code: 'ai.not_supported',
  })
})

test('lists the models of a provider, or says what is wrong', async () => {
  const openai = await fake()
  const anthropic = await startFakeAnthropic()
  cleanup.push(anthropic.stop)
  const gateway = gatewayWith()
  expect(await gateway.listModels(fakeTarget(openai), never())).toEqual(['fake-1', 'fake-2'])
  const claude = fakeTarget(anthropic, { provider_kind: 'anthropic' })
  expect(await gateway.listModels(claude, never())).toEqual(['claude-fake'])
  expect(anthropic.requests[0]?.headers).toMatchObject({ 'x-api-key': 'secret-key-1' })
  const nothing = fakeTarget({ url: 'http://127.0.0.1:9' })
  await expect(gateway.listModels(nothing, never())).rejects.toMatchObject({ code: 'ai.upstream_failed' })
})
