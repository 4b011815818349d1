import { afterEach, expect, test } from 'vitest'
import { silentLog } from '#core/log.ts'
import { type FakeAnthropicScript, startFakeAnthropic } from '#core/testing/fake-anthropic.ts'
import { anthropicBody } from './anthropic-wire.ts'
import { createGateway } from './gateway.ts'
import { fakeTarget, manualClock } from './testing.ts'
import type { Delta, Target, UpstreamRequest } from './types.ts'

const cleanup: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of cleanup.splice(0)) await stop()
})

const claude = (upstream_model: string, url = ''): Target =>
  fakeTarget({ url }, { provider_kind: 'anthropic', upstream_model })

async function ask(script: FakeAnthropicScript) {
  const server = await startFakeAnthropic({ script })
  const gateway = createGateway({ log: silentLog, clock: manualClock() })
  cleanup.push(gateway.stop, server.stop)
  const deltas: Delta[] = []
  let error: unknown = null
  const request: UpstreamRequest = { messages: [{ role: 'user', content: 'hello' }] }
  try {
    const target = claude('claude-sonnet-5-5', server.url)
    for await (const delta of gateway.stream([target], request, new AbortController().signal))
      deltas.push(delta)
  } catch (thrown) {
    error = thrown
  }
  return { deltas, error, requests: server.requests }
}

test('reads thinking, text, tools, stop reason and a usage from two places', async () => {
  const { deltas, requests } = await ask(() => ({
    usage: { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 2, output_tokens: 1 },
    steps: [
      { ping: true },
      { thinking: ['hm'] },
      { text: ['你', '好'] },
      { tool_use: { id: 't1', name: 'look', json: ['{"q":', '"x"}'] } },
      { tool_use: { id: 't2', name: 'look', json: [] } },
      { stop: 'tool_use', output_tokens: 30 },
    ],
  }))
  expect(deltas).toEqual([
    { type: 'reasoning', text: 'hm' },
    { type: 'text', text: '你' },
    { type: 'text', text: '好' },
    { type: 'tool_call', index: 0, id: 't1', name: 'look', arguments: '' },
    { type: 'tool_call', index: 0, arguments: '{"q":' },
    { type: 'tool_call', index: 0, arguments: '"x"}' },
    { type: 'tool_call', index: 1, id: 't2', name: 'look', arguments: '' },
    { type: 'finish', reason: 'tool_calls' },
    {
      type: 'usage',
      usage: { prompt_tokens: 17, completion_tokens: 30, cached_tokens: 5, source: 'upstream' },
    },
  ])
  expect(requests[0]).toMatchObject({
    path: '/v1/messages',
    headers: { 'x-api-key': 'secret-key-1', 'anthropic-version': '2023-06-01' },
  })
  expect(requests[0]?.headers).not.toHaveProperty('authorization')
})

test.each([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['refusal', 'content_filter'],
])('stop reason %s is %s, and no usage is made up', async (stop, reason) => {
  const { deltas } = await ask(() => ({ steps: [{ text: ['x'] }, { stop }] }))
  expect(deltas).toEqual([
    { type: 'text', text: 'x' },
    { type: 'finish', reason },
  ])
})

test('an error event before the first delta is a failure, after it a cut with what was counted', async () => {
  const overloaded = { error: { type: 'overloaded_error', message: 'Overloaded' } }
  const early = await ask((_, count) =>
    count === 1 ? { steps: [overloaded] } : { steps: [{ text: ['second try'] }, { stop: 'end_turn' }] },
  )
  expect(early.deltas[0]).toEqual({ type: 'text', text: 'second try' })
  const late = await ask(() => ({
    usage: { input_tokens: 3, output_tokens: 1 },
    steps: [{ text: ['x'.repeat(40)] }, overloaded],
  }))
  expect(late.error).toMatchObject({ code: 'ai.upstream_failed' })
  expect(late.deltas.at(-1)).toEqual({
    type: 'usage',
    usage: { prompt_tokens: 3, completion_tokens: 10, source: 'partial' },
  })
})

test('a prompt that is too long is told as such', async () => {
  const { error } = await ask(() => ({
    status: 400,
    body: {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 300000 tokens' },
    },
  }))
  expect(error).toMatchObject({ code: 'ai.context_too_long' })
})

test('writes system text, alternating turns, images, tools and results', () => {
  const body = anthropicBody(claude('claude-haiku-4-5'), {
    messages: [
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'look' },
      {
        role: 'user',
        content: [
          { type: 'text', text: ' ' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        ],
      },
      {
        role: 'assistant',
        content: 'I look',
        reasoning_content: 'unsigned',
        tool_calls: [{ id: 't1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
      },
      { role: 'tool', tool_call_id: 't1', content: 'a cat' },
      { role: 'developer', content: 'be brief' },
      { role: 'user', content: 'so?' },
    ],
    tools: [
      { type: 'function', function: { name: 'look', description: 'Looks', parameters: { type: 'object' } } },
    ],
    tool_choice: 'required',
    parallel_tool_calls: false,
    temperature: 1.7,
    max_tokens: 100,
    stop: 'END',
  })
  expect(body).toEqual({
    model: 'claude-haiku-4-5',
    max_tokens: 100,
    stream: true,
    system: 'be kind\n\nbe brief',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'look' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look' },
          { type: 'tool_use', id: 't1', name: 'look', input: { at: 1 } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: 'a cat' }] },
          { type: 'text', text: 'so?' },
        ],
      },
    ],
    tools: [{ name: 'look', description: 'Looks', input_schema: { type: 'object' } }],
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
    temperature: 1,
    stop_sequences: ['END'],
  })
})

test('each generation of models gets the thinking and sampling that it takes', () => {
  const request: UpstreamRequest = {
    messages: [],
    temperature: 0.5,
    reasoning_effort: 'medium',
    max_tokens: 4000,
  }
  expect(anthropicBody(claude('claude-opus-5-5'), request)).toMatchObject({
    thinking: { type: 'adaptive', display: 'summarized' },
    output_config: { effort: 'medium' },
  })
  expect(anthropicBody(claude('claude-opus-5-5'), request)).not.toHaveProperty('temperature')
  expect(anthropicBody(claude('claude-sonnet-4-6'), request)).toMatchObject({ temperature: 0.5 })
  expect(anthropicBody(claude('claude-haiku-4-5-20251001'), request)).toMatchObject({
    thinking: { type: 'enabled', budget_tokens: 3999 },
    temperature: 1,
  })
  expect(anthropicBody(claude('claude-3-5-haiku-20241022'), request)).not.toHaveProperty('thinking')
  expect(anthropicBody(claude('claude-opus-5-5'), { messages: [] })).not.toHaveProperty('thinking')
})

test('a JSON format is asked for in words', () => {
  const schema = { type: 'object', properties: { a: { type: 'number' } } }
  const { system } = anthropicBody(claude('claude-x'), {
    messages: [],
    response_format: { type: 'json_schema', json_schema: { name: 'n', schema } },
  })
  expect(system).toContain(JSON.stringify(schema))
})
