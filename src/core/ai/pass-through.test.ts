import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import OpenAI from 'openai'
import { afterEach, expect, test, vi } from 'vitest'
import { silentLog } from '#core/log.ts'
import { type FakeAnthropicScript, startFakeAnthropic } from '#core/testing/fake-anthropic.ts'
import {
  answerSteps,
  type FakeOpenaiScript,
  type FakeStep,
  startFakeOpenai,
} from '#core/testing/fake-openai.ts'
import { createGateway, type Gateway } from './gateway.ts'
import type { PassThrough } from './pass-through.ts'
import { CompletionTap } from './tap.ts'
import { fakeTarget, manualClock } from './testing.ts'
import type { Target } from './types.ts'

const cleanup: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of cleanup.splice(0)) await stop()
})

async function fake(script?: FakeOpenaiScript) {
  const server = await startFakeOpenai({ script })
  cleanup.push(server.stop)
  return server
}

function newGateway(): Gateway {
  const gateway = createGateway({ log: silentLog, clock: manualClock() })
  cleanup.push(gateway.stop)
  return gateway
}

const never = () => new AbortController().signal
const request = { model: 'public-name', stream: true, messages: [{ role: 'user', content: 'hello' }] }
const withUsage = { ...request, stream_options: { include_usage: true } }
const usageChunk = { prompt_tokens: 7, completion_tokens: 3 }

async function read(answer: PassThrough): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer.body) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const event = (choice: object | null, extra: object = {}) =>
  `data: ${JSON.stringify({ id: 'x', choices: choice ? [{ index: 0, ...choice }] : [], ...extra })}\n\n`
const textEvent = (content: string) => event({ delta: { content }, finish_reason: null }, { usage: null })
const finishEvent = event({ delta: {}, finish_reason: 'stop' }, { usage: null })
const usageEvent = event(null, { usage: usageChunk })
const done = 'data: [DONE]\n\n'

test('bytes go through untouched when the client asks for the usage', async () => {
  const sent = [
    textEvent('你好'),
    ': keep-alive\n\n',
    textEvent(' \\"quoted\\"\n'),
    finishEvent,
    usageEvent,
    done,
  ]
  const server = await fake(() => ({ steps: sent.map(raw => ({ raw })), done: false }))
  const answer = await newGateway().passThrough([fakeTarget(server)], withUsage, never())
  expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect(await read(answer)).toBe(sent.join(''))
  expect(await answer.completed).toEqual({
    provider_id: 'fake',
    upstream_model: 'fake-1',
    usage: { ...usageChunk, source: 'upstream' },
    finish_reason: 'stop',
    characters: { narrow: 12, wide: 2 },
    first_token_ms: expect.any(Number),
    ended: 'done',
  })
  expect(server.requests[0]?.body).toEqual({ ...withUsage, model: 'fake-1' })
})

test('the usage chunk is asked for and taken out when the client did not ask', async () => {
  const sent = [textEvent('a'), finishEvent, usageEvent, done]
  const server = await fake(() => ({ steps: sent.map(raw => ({ raw })), done: false }))
  const answer = await newGateway().passThrough([fakeTarget(server)], request, never())
  expect(await read(answer)).toBe([textEvent('a'), finishEvent, done].join(''))
  expect(await answer.completed).toMatchObject({
    usage: { ...usageChunk, source: 'upstream' },
    ended: 'done',
  })
  expect(server.requests[0]?.body).toMatchObject({ stream_options: { include_usage: true } })
})

/** Feeds a tap as a connection would. */
function tapped(chunks: readonly Buffer[], stripUsage: boolean) {
  const tap = new CompletionTap({ stripUsage, errorEvent: () => Buffer.from('ERROR') })
  const out: Buffer[] = []
  const keep = (chunk: Buffer | null) => chunk && out.push(Buffer.from(chunk))
  for (const chunk of chunks) if (!tap.failure) keep(tap.data(chunk))
  keep(tap.end(null))
  return { text: Buffer.concat(out).toString(), completed: tap.completed }
}

test('wherever packets are cut, the same bytes come out and the same is counted', async () => {
  const bytes = Buffer.from(
    [textEvent('你"好'), usageEvent, textEvent('b'), finishEvent, usageEvent, done].join(''),
  )
  const expected = Buffer.from([textEvent('你"好'), textEvent('b'), finishEvent, done].join('')).toString()
  for (let cut = 0; cut <= bytes.length; cut++) {
    const { text, completed } = tapped([bytes.subarray(0, cut), bytes.subarray(cut)], true)
    expect(text, `cut at ${cut}`).toBe(expected)
    expect(await completed).toMatchObject({
      usage: { prompt_tokens: 7, completion_tokens: 3, source: 'upstream' },
      characters: { narrow: 2, wide: 2 },
      finish_reason: 'stop',
      ended: 'done',
    })
  }
  expect(
    tapped(
      Array.from(bytes, byte => Buffer.of(byte)),
      true,
    ).text,
  ).toBe(expected)
  expect(
    tapped(
      Array.from(bytes, byte => Buffer.of(byte)),
      false,
    ).text,
  ).toBe(bytes.toString())
})

test('whatever the texts, line ends and cuts, what comes out is what went in, less the usage chunk', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: 'grapheme' }).map(textEvent) },
    { weight: 1, arbitrary: fc.constant(usageEvent) },
    { weight: 1, arbitrary: fc.constant(': ping\n\n') },
    {
      weight: 1,
      arbitrary: fc.constant(
        event({ delta: { tool_calls: [{ index: 0, function: { arguments: '{"usage":{}}' } }] } }),
      ),
    },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 10 }),
      fc.boolean(),
      fc.boolean(),
      async (steps, cuts, strip, crlf) => {
        const sent = [textEvent('x'), ...steps, finishEvent, done]
        const wire = (parts: readonly string[]) =>
          crlf ? parts.join('').replaceAll('\n', '\r\n') : parts.join('')
        const bytes = Buffer.from(wire(sent))
        const places = [...cuts.map(cut => cut % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b)
        const chunks = places.slice(1).map((to, i) => bytes.subarray(places[i], to))
        const { text, completed } = tapped(chunks, strip)
        expect(text).toBe(wire(strip ? sent.filter(part => part !== usageEvent) : sent))
        expect(await completed).toMatchObject({
          ended: 'done',
          usage: steps.includes(usageEvent) ? { prompt_tokens: 7 } : null,
        })
      },
    ),
    { numRuns: 400 },
  )
})

test.each<[string, FakeStep[], object]>([
  ['absent', [{ text: 'x' }, { finish: 'stop' }], { usage: null }],
  [
    'zero',
    [{ text: 'x' }, { finish: 'stop' }, { usage: { prompt_tokens: 0, completion_tokens: 0 } }],
    { usage: { prompt_tokens: 0, completion_tokens: 0, source: 'upstream' } },
  ],
  [
    'with the finish',
    [{ text: 'x' }, { finish: 'stop', usage: usageChunk }],
    { usage: { ...usageChunk, source: 'upstream' } },
  ],
  [
    'first',
    [{ usage: usageChunk }, ...'abcdefgh'.split('').map(text => ({ text })), { finish: 'stop' }],
    { usage: { ...usageChunk, source: 'upstream' } },
  ],
])('a usage that is %s is told', async (_, steps, expected) => {
  const server = await fake(() => ({ steps }))
  const answer = await newGateway().passThrough([fakeTarget(server)], request, never())
  await read(answer)
  expect(await answer.completed).toMatchObject({ ...expected, ended: 'done' })
})

test('counts reasoning and tool arguments too', async () => {
  const server = await fake(() => ({
    steps: [
      { reasoning: '想想' },
      { reasoning: 'ab', field: 'reasoning' },
      { tool_call: { index: 0, id: 'c', name: 'f', arguments: '{"a":"中"}' } },
      { finish: 'tool_calls' },
    ],
  }))
  const answer = await newGateway().passThrough([fakeTarget(server)], request, never())
  await read(answer)
  expect(await answer.completed).toMatchObject({
    characters: { narrow: 2 + '{"a":""}'.length, wide: 3 },
    finish_reason: 'tool_calls',
  })
})

test('falls back until the first delta, also for an error inside the stream', async () => {
  const [refusing, erring, sound] = [
    await fake(() => ({ status: 500, body: {} })),
    await fake(() => ({
      steps: [{ data: '{"choices":[]}' }, { data: '{"error":{"message":"overloaded"}}' }],
    })),
    await fake(() => ({ steps: answerSteps('fine') })),
  ]
  const targets = [refusing, erring, sound].map((server, priority) =>
    fakeTarget(server, { provider_id: `p${priority}`, priority }),
  )
  const answer = await newGateway().passThrough(targets, request, never())
  expect(await read(answer)).toContain('"content":"fine"')
  expect(await answer.completed).toMatchObject({ provider_id: 'p2', ended: 'done' })
})

test.each<[string, FakeStep[], string]>([
  ['a cut', [{ text: 'ab' }, { cut: true }], 'ai.upstream_failed'],
  [
    'a cut inside a frame',
    [{ text: 'ab' }, { raw: 'data: {"choices":[{"del' }, { cut: true }],
    'ai.upstream_failed',
  ],
  ['an early end', [{ text: 'ab' }], 'ai.upstream_failed'],
  ['an error event', [{ text: 'ab' }, { data: '{"error":{"message":"sk-secret"}}' }], 'ai.upstream_failed'],
])(
  '%s after the first delta ends the stream with an error event between two events',
  async (_, steps, code) => {
    const server = await fake(() => ({ steps, done: false }))
    const other = await fake()
    const targets = [fakeTarget(server), fakeTarget(other, { provider_id: 'other', priority: 1 })]
    const answer = await newGateway().passThrough(targets, request, never())
    const events = (await read(answer)).split('\n\n')
    expect(events).toHaveLength(3)
    expect(events[0]).toContain('"content":"ab"')
    expect(JSON.parse(events[1]?.slice(6) ?? '')).toEqual({
      error: { message: expect.not.stringContaining('sk-'), type: 'server_error', param: null, code },
    })
    expect(await answer.completed).toMatchObject({
      ended: 'cut',
      usage: null,
      characters: { narrow: 2, wide: 0 },
    })
    expect(other.requests).toHaveLength(0)
  },
)

test('what was counted before a cut is kept as partial', async () => {
  const server = await fake(() => ({ steps: [{ text: 'ab' }, { usage: usageChunk }, { cut: true }] }))
  const answer = await newGateway().passThrough([fakeTarget(server)], request, never())
  await read(answer)
  expect(await answer.completed).toMatchObject({ ended: 'cut', usage: { ...usageChunk, source: 'partial' } })
})

test('a client that goes away, and a caller that aborts, cancel upstream at once', async () => {
  const server = await fake(() => ({ steps: [{ text: 'ab' }, { pause: 60_000 }] }))
  const gateway = newGateway()
  const left = await gateway.passThrough([fakeTarget(server)], request, never())
  left.body.destroy()
  expect(await server.requests[0]?.aborted).toBe(true)
  expect(await left.completed).toMatchObject({ ended: 'aborted', characters: { narrow: 2, wide: 0 } })

  const controller = new AbortController()
  const aborted = await gateway.passThrough([fakeTarget(server)], request, controller.signal)
  controller.abort()
  expect(await server.requests[1]?.aborted).toBe(true)
  expect(await aborted.completed).toMatchObject({ ended: 'aborted' })
  expect(gateway.states()).toMatchObject([{ circuit: 'closed' }])
})

test('an answer that falls silent is ended, and one whose reader is slow is not', async () => {
  const server = await fake(() => ({ steps: [{ text: 'ab' }, { pause: 60_000 }] }))
  const silent = fakeTarget(server, { timeouts: { idle_ms: 160 } })
  const gateway = newGateway()
  const answer = await gateway.passThrough([silent], request, never())
  expect(await read(answer)).toContain('ai.upstream_timeout')
  expect(await answer.completed).toMatchObject({ ended: 'cut' })

  // More than the buffers on the way hold.
  const long = 'x'.repeat(1_000_000)
  const steps = [...Array.from({ length: 24 }, () => ({ text: long })), { finish: 'stop' }]
  const patient = fakeTarget(await fake(() => ({ steps })), { timeouts: { idle_ms: 160 } })
  const slow = await gateway.passThrough([patient], request, never())
  await vi.waitFor(() => expect(slow.body.readableLength).toBeGreaterThan(64 * 1024), 20_000)
  // A silent neighbour that times out in the meantime shows that the watch has gone by.
  await read(await gateway.passThrough([silent], request, never()))
  expect((await read(slow)).length).toBeGreaterThan(24_000_000)
  expect(await slow.completed).toMatchObject({ ended: 'done', characters: { narrow: 24_000_000, wide: 0 } })
})

test('piped to a real client the bytes arrive, and its leaving is noticed', async () => {
  const server = await fake(() => ({ steps: [{ text: 'ab' }, { pause: 60_000 }] }))
  const gateway = newGateway()
  let completed: Promise<unknown> = Promise.resolve()
  const door = createServer(async (_, response) => {
    const answer = await gateway.passThrough([fakeTarget(server)], request, never())
    completed = answer.completed
    response.writeHead(answer.status, answer.headers)
    answer.body.pipe(response)
    response.once('close', () => answer.body.destroy())
  })
  await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
  cleanup.push(() => new Promise(resolve => door.close(() => resolve())))
  const controller = new AbortController()
  const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`
  const response = await fetch(url, { signal: controller.signal })
  const { value } = (await response.body?.getReader().read()) ?? {}
  expect(Buffer.from(value ?? []).toString()).toContain('"content":"ab"')
  controller.abort()
  expect(await server.requests[0]?.aborted).toBe(true)
  expect(await completed).toMatchObject({ ended: 'aborted' })
})

test('a slow first delta lets another provider serve, and times out without one', async () => {
  const server = await fake(() => ({ steps: [{ data: '{"choices":[]}' }, { pause: 60_000 }] }))
  // Long enough for the request to be there on a busy machine, too.
  const slow = fakeTarget(server, { timeouts: { first_token_ms: 1_000 } })
  const gateway = newGateway()
  const other = fakeTarget(await fake(), { provider_id: 'other', priority: 1 })
  const answer = await gateway.passThrough([slow, other], request, never())
  await read(answer)
  expect(await answer.completed).toMatchObject({ provider_id: 'other' })
  await expect(gateway.passThrough([slow], request, never())).rejects.toMatchObject({
    code: 'ai.upstream_timeout',
  })
  expect(await server.requests[0]?.aborted).toBe(true)
})

/** A server in front of the gateway, as the OpenAI door is one. */
async function openDoor(target: Target): Promise<string> {
  const gateway = newGateway()
  const door = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    const answer = await gateway.passThrough([target], body, never())
    response.writeHead(answer.status, answer.headers)
    answer.body.pipe(response)
  })
  await new Promise<void>(resolve => door.listen(0, '127.0.0.1', resolve))
  cleanup.push(() => new Promise(resolve => door.close(() => resolve())))
  return `http://127.0.0.1:${(door.address() as AddressInfo).port}/v1`
}

test.each(['openai', 'anthropic'] as const)('the openai SDK reads what comes from %s', async kind => {
  const look = { id: 't1', name: 'look' }
  const target =
    kind === 'anthropic'
      ? await claude(() => ({
          usage: { input_tokens: 4, output_tokens: 1 },
          steps: [
            { text: ['He', 'llo'] },
            { tool_use: { ...look, json: ['{"q":', '1}'] } },
            { stop: 'tool_use', output_tokens: 9 },
          ],
        }))
      : fakeTarget(
          await fake(() => ({
            steps: [
              { text: 'He' },
              { text: 'llo' },
              { tool_call: { index: 0, ...look, arguments: '{"q":' } },
              { tool_call: { index: 0, arguments: '1}' } },
              { finish: 'tool_calls' },
              { usage: { prompt_tokens: 4, completion_tokens: 9 } },
            ],
          })),
        )
  const client = new OpenAI({ apiKey: 'x', baseURL: await openDoor(target), maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'hello' }]
  const runner = client.chat.completions.stream({
    model: 'm',
    messages,
    stream_options: { include_usage: true },
  })
  const completion = await runner.finalChatCompletion()
  expect(completion.choices[0]).toMatchObject({
    finish_reason: 'tool_calls',
    message: {
      content: 'Hello',
      tool_calls: [{ id: 't1', function: { name: 'look', arguments: '{"q":1}' } }],
    },
  })
  expect(completion.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 9 })
  if (kind === 'openai') return
  const whole = await client.chat.completions.create({ model: 'm', messages })
  expect(whole.choices[0]?.message.content).toBe('Hello')
})

test('the openai SDK raises the error of a stream that breaks', async () => {
  const target = fakeTarget(await fake(() => ({ steps: [{ text: 'half' }, { cut: true }] })))
  const client = new OpenAI({ apiKey: 'x', baseURL: await openDoor(target), maxRetries: 0 })
  const stream = await client.chat.completions.create({ model: 'm', stream: true, messages: [] })
  const readAll = async () => {
    for await (const _ of stream);
  }
  await expect(readAll()).rejects.toMatchObject({ code: 'ai.upstream_failed' })
})

test('an answer that does not stream goes through whole', async () => {
  const server = await fake(() => ({ steps: answerSteps('all at once 好', usageChunk) }))
  const { stream: _, ...body } = request
  const answer = await newGateway().passThrough(
    [fakeTarget(server)],
    { ...body, max_completion_tokens: 9 },
    never(),
  )
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(JSON.parse(await read(answer))).toMatchObject({
    model: 'fake-1',
    choices: [{ message: { role: 'assistant', content: 'all at once 好' }, finish_reason: 'stop' }],
    usage: usageChunk,
  })
  expect(await answer.completed).toMatchObject({
    usage: { ...usageChunk, source: 'upstream' },
    characters: { narrow: 12, wide: 1 },
    ended: 'done',
  })
  expect(server.requests[0]?.body).toEqual({ ...body, model: 'fake-1', max_tokens: 9 })
})

async function claude(script: FakeAnthropicScript) {
  const server = await startFakeAnthropic({ script })
  cleanup.push(server.stop)
  return fakeTarget(server, { provider_kind: 'anthropic', upstream_model: 'claude-x' })
}

test('Anthropic is translated into chunks, the usage only if asked for', async () => {
  const target = await claude(() => ({
    steps: [
      { thinking: ['hm'] },
      { text: ['He', 'llo'] },
      { tool_use: { id: 't1', name: 'look', json: ['{"q"', ':1}'] } },
      { stop: 'tool_use', output_tokens: 9 },
    ],
    usage: { input_tokens: 4, output_tokens: 1 },
  }))
  const gateway = newGateway()
  const answer = await gateway.passThrough([target], withUsage, never())
  const lines = (await read(answer)).trimEnd().split('\n\n')
  expect(lines.at(-1)).toBe('data: [DONE]')
  const chunks = lines.slice(0, -1).map(line => JSON.parse(line.slice(6)))
  expect(chunks[0]).toMatchObject({ object: 'chat.completion.chunk', model: 'public-name' })
  expect(chunks.map(chunk => chunk.choices[0]?.delta ?? chunk.usage)).toEqual([
    { role: 'assistant', reasoning_content: 'hm' },
    { content: 'He' },
    { content: 'llo' },
    { tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'look', arguments: '' } }] },
    { tool_calls: [{ index: 0, function: { arguments: '{"q"' } }] },
    { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
    {},
    { prompt_tokens: 4, completion_tokens: 9, total_tokens: 13 },
  ])
  expect(chunks.at(-2)?.choices[0].finish_reason).toBe('tool_calls')
  expect(await answer.completed).toMatchObject({
    usage: { prompt_tokens: 4, completion_tokens: 9, source: 'upstream' },
    ended: 'done',
  })
  const quiet = await gateway.passThrough([target], request, never())
  expect(await read(quiet)).not.toContain('usage')
  expect(await quiet.completed).toMatchObject({ usage: { prompt_tokens: 4 } })
})

test('Anthropic is translated into one piece, and cut streams into an error event', async () => {
  const gateway = newGateway()
  const { stream: _, ...body } = request
  const whole = await gateway.passThrough(
    [await claude(() => ({ steps: [{ text: ['Hi'] }, { stop: 'end_turn' }] }))],
    body,
    never(),
  )
  expect(JSON.parse(await read(whole))).toMatchObject({
    object: 'chat.completion',
    choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }],
  })
  const cut = await gateway.passThrough(
    [await claude(() => ({ steps: [{ text: ['Hi'] }, { cut: true }] }))],
    request,
    never(),
  )
  expect(await read(cut)).toContain('"code":"ai.upstream_failed"')
  expect(await cut.completed).toMatchObject({ ended: 'cut', characters: { narrow: 2, wide: 0 } })
})

test.each([
  [{ messages: [{ role: 'queen', content: 'x' }] }, '/body/messages/0/role', 'Must be one of: system, '],
  [
    { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
    '/body/messages/0/content/0/image_url',
    'This is required.',
  ],
  [{ temperature: 'hot' }, '/body/temperature', 'Must be a number.'],
])('what cannot be translated is told of in our own words: %j', async (part, pointer, sentence) => {
  const target = await claude(() => ({ steps: [{ text: ['Hi'] }] }))
  const answer = newGateway().passThrough([target], { ...request, ...part }, never())
  await expect(answer).rejects.toMatchObject({
    code: 'input.invalid',
    issues: [{ pointer, detail: { en: expect.stringContaining(sentence) } }],
  })
})

test('leaving a translated answer cancels upstream', async () => {
  const target = await claude(() => ({ steps: [{ text: ['Hi'] }, { pause: 60_000 }] }))
  const answer = await newGateway().passThrough([target], request, never())
  answer.body.destroy()
  expect(await answer.completed).toMatchObject({ ended: 'aborted' })
})

test('offline answers are marked', async () => {
  const target = fakeTarget(
    { url: '' },
    { provider_kind: 'offline', base_url: '', keys: [], upstream_model: 'offline' },
  )
  const answer = await newGateway().passThrough([target], withUsage, never())
  const first = JSON.parse((await read(answer)).split('\n\n')[0]?.slice(6) ?? '')
  expect(first).toMatchObject({ engine: 'offline', model: 'public-name' })
  expect(await answer.completed).toMatchObject({
    usage: { prompt_tokens: 0, completion_tokens: 0 },
    ended: 'done',
  })
})
