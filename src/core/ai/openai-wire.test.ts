import { expect, test } from 'vitest'
import { forTarget, openaiBody } from './openai-wire.ts'
import { fakeTarget } from './testing.ts'
import type { ChatMessage, Target } from './types.ts'

const at = (base_url: string, upstream_model: string, echo_reasoning = false): Target =>
  fakeTarget({ url: '' }, { base_url, upstream_model, echo_reasoning })

const openai = at('https://api.openai.com/v1', 'gpt-5.6-terra')
const kimi = at('https://api.moonshot.cn/v1', 'kimi-k2.6', true)
const vllm = at('http://localhost:8000/v1', 'local')

test('the limit is called what the provider calls it', () => {
  const request = { messages: [], max_tokens: 9 }
  expect(openaiBody(openai, request)).toMatchObject({ max_completion_tokens: 9 })
  expect(openaiBody(openai, request)).not.toHaveProperty('max_tokens')
  expect(openaiBody(vllm, request)).toMatchObject({ max_tokens: 9 })
  expect(forTarget(vllm, { max_completion_tokens: 9 })).toEqual({
    model: 'local',
    max_tokens: 9,
    messages: undefined,
  })
})

test('developer messages become system messages where only OpenAI knows them', () => {
  const messages: ChatMessage[] = [{ role: 'developer', content: 'be brief' }]
  expect(openaiBody(openai, { messages }).messages).toEqual(messages)
  expect(openaiBody(vllm, { messages }).messages).toEqual([{ role: 'system', content: 'be brief' }])
})

test('reasoning goes back only where it is asked for, and then with every tool call', () => {
  const call = { id: 'a', type: 'function' as const, function: { name: 'f', arguments: '{}' } }
  const messages: ChatMessage[] = [
    { role: 'assistant', content: 'x', reasoning_content: 'thought' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'assistant', content: 'y' },
  ]
  expect(openaiBody(vllm, { messages }).messages).toEqual([
    { role: 'assistant', content: 'x' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'assistant', content: 'y' },
  ])
  expect(openaiBody(kimi, { messages }).messages).toEqual([
    { role: 'assistant', content: 'x', reasoning_content: 'thought' },
    { role: 'assistant', content: null, tool_calls: [call], reasoning_content: '' },
    { role: 'assistant', content: 'y' },
  ])
})

test('sampling is left out where the model takes none', () => {
  const request = { messages: [], temperature: 0.3, top_p: 0.9, presence_penalty: 1, seed: 4 }
  expect(openaiBody(vllm, request)).toMatchObject(request)
  for (const target of [openai, kimi]) {
    const body = openaiBody(target, request)
    expect(body).toMatchObject({ seed: 4 })
    for (const name of ['temperature', 'top_p', 'presence_penalty']) expect(body).not.toHaveProperty(name)
  }
  expect(openaiBody(at('https://api.moonshot.cn/v1', 'moonshot-v1-8k'), request)).toMatchObject({
    temperature: 0.3,
  })
})
