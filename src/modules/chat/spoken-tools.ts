import type { ChatMessage, Delta, ToolCall, ToolDefinition } from '#core/ai/types.ts'
import { AppError } from '#core/errors.ts'
import type { Log } from '#core/log.ts'
import type { SpokenTool } from './contract.ts'

/** Milliseconds that a tool has. */
const toolTime = 30_000
/** Characters of a result that the model is shown. */
const maxResult = 8000
/** Calls that are made at once; a model that asks for more is told so. */
const maxCalls = 8

export const definitionsOf = (tools: readonly SpokenTool[]): ToolDefinition[] =>
  tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description, parameters },
  }))

/** Puts the calls together that come in pieces. */
export function createCallCollector() {
  const calls: { id: string; name: string; arguments: string }[] = []
  return {
    take(delta: Extract<Delta, { type: 'tool_call' }>) {
      calls[delta.index] ??= { id: '', name: '', arguments: '' }
      const call = calls[delta.index]
      if (!call) return
      call.id ||= delta.id ?? ''
      call.name ||= delta.name ?? ''
      call.arguments += delta.arguments ?? ''
    },
    /** In the order of the model. Some providers give no ids. */
    all: (): ToolCall[] =>
      calls.filter(Boolean).map((call, i) => ({
        id: call.id || `call_${i}`,
        type: 'function',
        function: { name: call.name, arguments: call.arguments || '{}' },
      })),
  }
}

/** Runs what the model asked for, all at once. A tool that fails is told to the model; only an abort throws. */
export async function runTools(
  calls: readonly ToolCall[],
  tools: readonly SpokenTool[],
  signal: AbortSignal,
  log: Log,
): Promise<ChatMessage[]> {
  const run = async ({ id, function: { name, arguments: text } }: ToolCall, index: number) => {
    const tool = tools.find(candidate => candidate.name === name)
    const result = !tool
      ? 'There is no such tool.'
      : index >= maxCalls
        ? `Too many calls at once; at most ${maxCalls} are made.`
        : await runTool(tool, text, signal, log)
    return { role: 'tool', tool_call_id: id, content: fenced(name, result) } as const
  }
  const results = await Promise.all(calls.map(run))
  signal.throwIfAborted()
  return results
}

async function runTool(tool: SpokenTool, text: string, outer: AbortSignal, log: Log): Promise<string> {
  let args: unknown
  try {
    args = JSON.parse(text)
  } catch {
    return 'The arguments are not JSON.'
  }
  const signal = AbortSignal.any([outer, AbortSignal.timeout(toolTime)])
  try {
    return await unlessAborted(tool.call(args, signal), signal)
  } catch (error) {
    if (outer.aborted) return ''
    if (error instanceof AppError) return `It failed: ${error.message}`
    log.warn({ error, tool: tool.name }, 'a tool failed')
    return signal.aborted ? 'It took too long.' : 'It failed.'
  }
}

/** The signal counts even for a tool that does not heed it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

const fenced = (name: string, result: string): string => {
  const shown = result.length > maxResult ? `${result.slice(0, maxResult)}\n[The rest is left out.]` : result
  const label = name.replaceAll(/[^\w.-]/g, '')
  return `<tool_result name="${label}">\n${shown.replaceAll(/<\/tool_result/gi, '<\\/tool_result')}\n</tool_result>`
}
