import type { ServerResponse } from 'node:http'
import { type FakeServer, pause, type RecordedRequest, startFakeServer, write } from './fake-server.ts'

/** One step of a streamed message. `thinking`, `text` and `tool_use` are each a content block of their own. */
export type FakeAnthropicStep =
  | { text: readonly string[] }
  | { thinking: readonly string[] }
  | { tool_use: { id: string; name: string; json: readonly string[] } }
  | { stop: string; output_tokens?: number }
  | { error: { type: string; message: string } }
  | { ping: true }
  | { pause: number }
  | { raw: Buffer | string }
  | { cut: true }

export type FakeAnthropicAnswer =
  | { steps: readonly FakeAnthropicStep[]; usage?: Record<string, number>; delay?: number }
  | { status: number; body: unknown; headers?: Record<string, string> }
  | { silent: true }

export type FakeAnthropicScript = (request: RecordedRequest, count: number) => FakeAnthropicAnswer

/**
 * A loopback server that speaks Anthropic's streaming messages: `/v1/messages` by the script (streams only) and
 * `/v1/models`. Without a script it answers "Hello from the fake." with a usage of 7 and 5. Base URL: `${url}/v1`.
 */
export function startFakeAnthropic(options: { script?: FakeAnthropicScript } = {}): Promise<FakeServer> {
  const script: FakeAnthropicScript =
    options.script ??
    (() => ({
      steps: [{ text: ['Hello', ' from', ' the fake.'] }, { stop: 'end_turn', output_tokens: 5 }],
      usage: { input_tokens: 7, output_tokens: 1 },
    }))
  return startFakeServer(async (request, response, count) => {
    if (request.path.includes('/models')) return sendJson(response, 200, { data: [{ id: 'claude-fake' }] })
    const answer = script(request, count)
    if ('silent' in answer) return
    if ('status' in answer) return sendJson(response, answer.status, answer.body, answer.headers)
    if (answer.delay) await pause(response, answer.delay)
    await sendStream(response, answer, String(request.body?.model))
  })
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

async function sendStream(
  response: ServerResponse,
  { steps, usage }: Extract<FakeAnthropicAnswer, { steps: readonly FakeAnthropicStep[] }>,
  model: string,
) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (type: string, data: object) =>
    write(response, `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  const message = {
    id: 'msg_fake',
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
  }
  await send('message_start', { message: { ...message, ...(usage ? { usage } : {}) } })
  let index = 0
  for (const step of steps) {
    if (response.destroyed) return
    if ('cut' in step) return void response.destroy()
    if ('pause' in step) await pause(response, step.pause)
    else if ('raw' in step) await write(response, step.raw)
    else if ('ping' in step) await send('ping', {})
    else if ('error' in step) await send('error', { error: step.error })
    else if ('stop' in step) {
      const counted = step.output_tokens === undefined ? {} : { usage: { output_tokens: step.output_tokens } }
      await send('message_delta', { delta: { stop_reason: step.stop, stop_sequence: null }, ...counted })
      await send('message_stop', {})
    } else {
      const { start, deltas } = blockOf(step)
      await send('content_block_start', { index, content_block: start })
      for (const delta of deltas) await send('content_block_delta', { index, delta })
      await send('content_block_stop', { index })
      index++
    }
  }
  response.end()
}

function blockOf(
  step: Extract<FakeAnthropicStep, { text: unknown } | { thinking: unknown } | { tool_use: unknown }>,
) {
  if ('text' in step)
    return {
      start: { type: 'text', text: '' },
      deltas: step.text.map(text => ({ type: 'text_delta', text })),
    }
  if ('thinking' in step)
    return {
      start: { type: 'thinking', thinking: '', signature: '' },
      deltas: [
        ...step.thinking.map(thinking => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: 'c2lnbmVk' },
      ],
    }
  const { id, name, json } = step.tool_use
  return {
    start: { type: 'tool_use', id, name, input: {} },
    deltas: json.map(partial_json => ({ type: 'input_json_delta', partial_json })),
  }
}
