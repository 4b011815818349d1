import type { ServerResponse } from 'node:http'
import { type FakeServer, pause, type RecordedRequest, startFakeServer, write } from './fake-server.ts'

/** One step of a streamed answer. Times are milliseconds. */
export type FakeStep =
  | { text: string }
  | { reasoning: string; field?: 'reasoning_content' | 'reasoning' }
  | { tool_call: { index: number; id?: string; name?: string; arguments?: string } }
  | { finish: string | null; usage?: FakeUsage }
  | { usage: FakeUsage }
  | { pause: number }
  /** Goes on when the test says so. */
  | { until: Promise<unknown> }
  /** Any event, by the text behind `data: `. */
  | { data: string }
  /** Bytes as they are, in one packet. */
  | { raw: Buffer | string }
  /** Breaks the connection here. */
  | { cut: true }

export type FakeUsage = {
  prompt_tokens: number
  completion_tokens: number
  prompt_tokens_details?: { cached_tokens: number }
}

/** How one request is answered. */
export type FakeAnswer =
  | {
      /** Sent one by one to a request that streams, put together for one that does not. */
      steps: readonly FakeStep[]
      /** Waits this long before the head of the answer goes out. */
      delay?: number
      /** Waits this long after each step. */
      pace?: number
      /** Sends `[DONE]` at the end; true by default. */
      done?: boolean
      /** Between lines; `\n` by default. */
      lineEnd?: '\n' | '\r\n'
    }
  | { status: number; body: unknown; headers?: Record<string, string>; delay?: number }
  /** Takes the request and never answers. */
  | { silent: true }

export type FakeOpenaiScript = (request: RecordedRequest, count: number) => FakeAnswer

/** The words of a text as steps, a finish and, if given, a usage in a chunk of its own, as OpenAI sends them. */
export const answerSteps = (text: string, usage?: FakeUsage): FakeStep[] => [
  ...(text.match(/\s*\S+|\s+$/g) ?? []).map(word => ({ text: word })),
  { finish: 'stop' },
  ...(usage ? [{ usage }] : []),
]

/**
 * A loopback server that speaks OpenAI's wire format: `/v1/chat/completions` by the script, whole or streamed as the
 * request asks, `/v1/embeddings` (three numbers per text) and `/v1/models`. Without a script it answers
 * "Hello from the fake." with a usage of 7 and 5. Base URL: `${url}/v1`.
 */
export function startFakeOpenai(
  options: { script?: FakeOpenaiScript; models?: readonly string[] } = {},
): Promise<FakeServer> {
  const script: FakeOpenaiScript =
    options.script ??
    (() => ({ steps: answerSteps('Hello from the fake.', { prompt_tokens: 7, completion_tokens: 5 }) }))
  return startFakeServer(async (request, response, count) => {
    if (request.path.endsWith('/models'))
      return sendJson(response, 200, { data: (options.models ?? ['fake-1', 'fake-2']).map(id => ({ id })) })
    const answer = script(request, count)
    if ('silent' in answer) return
    if (answer.delay) await pause(response, answer.delay)
    if ('status' in answer) return sendJson(response, answer.status, answer.body, answer.headers)
    if (request.path.endsWith('/embeddings')) return sendJson(response, 200, embeddings(request))
    if (request.body?.stream !== true) return sendJson(response, 200, completion(answer.steps, request))
    await sendStream(response, answer, String(request.body.model))
  })
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function sendStream(
  response: ServerResponse,
  { steps, pace, done = true, lineEnd = '\n' }: Extract<FakeAnswer, { steps: readonly FakeStep[] }>,
  model: string,
) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  response.socket?.setNoDelay(true)
  let isFirst = true
  for (const step of steps) {
    if (response.destroyed) return
    if ('cut' in step) return void response.destroy()
    if ('pause' in step) await pause(response, step.pause)
    else if ('until' in step) await step.until
    else if ('raw' in step) await write(response, step.raw)
    else {
      await write(response, `data: ${eventOf(step, model, isFirst)}${lineEnd}${lineEnd}`)
      isFirst = false
    }
    if (pace) await pause(response, pace)
  }
  if (done) await write(response, `data: [DONE]${lineEnd}${lineEnd}`)
  response.end()
}

/** The first chunk of an answer says whose it is. */
function eventOf(step: FakeStep, model: string, isFirst: boolean): string {
  if ('data' in step) return step.data
  const head = { id: 'chatcmpl-fake', object: 'chat.completion.chunk', created: 1_700_000_000, model }
  if ('usage' in step && !('finish' in step))
    return JSON.stringify({ ...head, choices: [], usage: step.usage })
  const finish_reason = 'finish' in step ? step.finish : null
  const usage = 'finish' in step && step.usage ? { usage: step.usage } : {}
  const delta = { ...(isFirst ? { role: 'assistant' } : {}), ...deltaOf(step) }
  return JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason }], ...usage })
}

function deltaOf(step: FakeStep): object {
  if ('text' in step) return { content: step.text }
  if ('reasoning' in step) return { [step.field ?? 'reasoning_content']: step.reasoning }
  if (!('tool_call' in step)) return {}
  const { index, id, name, arguments: args } = step.tool_call
  return {
    tool_calls: [{ index, ...(id ? { id, type: 'function' } : {}), function: { name, arguments: args } }],
  }
}

/** The same steps as one answer. */
function completion(steps: readonly FakeStep[], request: RecordedRequest): object {
  const content = steps.map(step => ('text' in step ? step.text : '')).join('')
  const reasoning = steps.map(step => ('reasoning' in step ? step.reasoning : '')).join('')
  const usage = steps.flatMap(step => ('usage' in step && step.usage ? [step.usage] : [])).at(-1)
  const calls = steps.flatMap(step => ('tool_call' in step ? [step.tool_call] : []))
  return {
    id: 'chatcmpl-fake',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: request.body?.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content,
          ...(reasoning ? { reasoning_content: reasoning } : {}),
          ...(calls.length > 0
            ? {
                tool_calls: calls.map(call => ({
                  id: call.id,
                  type: 'function',
                  function: { name: call.name, arguments: call.arguments },
                })),
              }
            : {}),
        },
        finish_reason:
          steps.flatMap(step => ('finish' in step && step.finish ? [step.finish] : [])).at(-1) ?? 'stop',
      },
    ],
    ...(usage ? { usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens } } : {}),
  }
}

function embeddings(request: RecordedRequest): object {
  const input = [request.body?.input].flat()
  return {
    object: 'list',
    model: request.body?.model,
    // In another order than asked, which the format allows.
    data: input
      .map((text, index) => ({ object: 'embedding', index, embedding: [String(text).length, index, 0.5] }))
      .reverse(),
    usage: { prompt_tokens: input.length, total_tokens: input.length },
  }
}
