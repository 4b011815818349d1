import { z } from 'zod'
import type { Log } from '#core/log.ts'
import { toolFailed, toolTimeout } from './errors.ts'

/** A tool of a device, by the device's own name. */
export type DeviceTool = { name: string; description: string; inputSchema: object }

const Answer = z.looseObject({
  id: z.number(),
  result: z.unknown().optional(),
  // Some say null where there is none. Anything else is one, however it is told: nobody shall wait in vain.
  error: z.looseObject({ message: z.string().optional() }).nullish().catch({}),
})
const Tool = z.looseObject({
  name: z.string().min(1).max(200),
  description: z.string().max(4000).default(''),
  inputSchema: z.looseObject({}).default({ type: 'object', properties: {} }),
  annotations: z.looseObject({ audience: z.array(z.string()).optional() }).optional(),
})
const ToolPage = z.looseObject({
  tools: z.array(z.unknown()),
  nextCursor: z.string().max(200).nullish().catch(null),
})
const CallResult = z.looseObject({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).default([]),
  isError: z.boolean().optional(),
})

const timeout_ms = 30_000
const mostPages = 20
const mostTools = 200
/** Of the firmware: for the owner's hand, whatever a device lists. */
const userOnly = new Set([
  'self.get_system_info',
  'self.reboot',
  'self.upgrade_firmware',
  'self.screen.get_info',
  'self.screen.snapshot',
  'self.screen.preview_image',
  'self.assets.set_download_url',
])

/** What we speak with a device that is an MCP server. */
export type Mcp = {
  /** Greets, and learns the tools that a model may use; those for the owner's hand are not among them. */
  start(): Promise<readonly DeviceTool[]>
  /** The text of the result. @throws AppError `device_tool.*` */
  call(name: string, args: object, signal?: AbortSignal): Promise<string>
  /** What the device sent. Anything is taken. */
  receive(payload: unknown): void
  /** Ends what waits, with an AbortError. */
  stop(): void
}

/** Where a device with a camera sends what it sees. */
export type VisionAddress = { url: string; token: string }

/** JSON-RPC 2.0, protocol 2024-11-05, over the socket. Ids are numbers, since firmware drops all others unanswered. */
export function createMcp(
  send: (payload: object) => void,
  vision: VisionAddress | null,
  log: Pick<Log, 'warn'>,
): Mcp {
  type Waiting = { resolve(result: unknown): void; reject(error: unknown): void }
  const waiting = new Map<number, Waiting>()
  let lastId = 0

  function request(method: string, params: object, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted()
    const id = ++lastId
    const { promise, ...settle } = Promise.withResolvers<unknown>()
    const abort = () => settle.reject(signal?.reason)
    const timer = setTimeout(() => settle.reject(toolTimeout()), timeout_ms)
    signal?.addEventListener('abort', abort, { once: true })
    waiting.set(id, settle)
    send({ jsonrpc: '2.0', id, method, params })
    return promise.finally(() => {
      clearTimeout(timer)
      waiting.delete(id)
      signal?.removeEventListener('abort', abort)
    })
  }

  return {
    async start() {
      await request('initialize', {
        protocolVersion: '2024-11-05',
        capabilities: vision ? { vision } : {},
        clientInfo: { name: 'banyan', version: '1' },
      })
      send({ jsonrpc: '2.0', method: 'notifications/initialized', params: {} })
      const tools: DeviceTool[] = []
      let cursor = ''
      for (let page = 0; page < mostPages; page++) {
        const answer = await request('tools/list', { cursor, withUserTools: false })
        const { data } = ToolPage.safeParse(answer)
        if (!data) break
        for (const { name, description, inputSchema, annotations } of readTools(data.tools, log)) {
          const audience = annotations?.audience
          if (userOnly.has(name) || (audience && !audience.includes('assistant'))) continue
          if (tools.length < mostTools) tools.push({ name, description, inputSchema })
        }
        // A device that repeats a cursor would be asked for ever.
        if (!data.nextCursor || data.nextCursor === cursor) break
        cursor = data.nextCursor
      }
      return tools
    },
    async call(name, args, signal) {
      const answer = CallResult.safeParse(await request('tools/call', { name, arguments: args }, signal))
      if (!answer.success) throw toolFailed({ reason: 'no result' })
      const text = answer.data.content.map(part => part.text ?? '').join('\n')
      if (answer.data.isError) throw toolFailed({ reason: text.slice(0, 200) })
      return text
    },
    receive(payload) {
      const { data } = Answer.safeParse(payload)
      if (!data) return
      const settle = waiting.get(data.id)
      if (!settle) return
      if (data.error) settle.reject(toolFailed({ reason: (data.error.message ?? '').slice(0, 200) }))
      else settle.resolve(data.result)
    },
    stop() {
      const gone = new DOMException('The device is gone', 'AbortError')
      for (const { reject } of waiting.values()) reject(gone)
    },
  }
}

/** Those that are well-formed. */
function readTools(listed: readonly unknown[], log: Pick<Log, 'warn'>): z.output<typeof Tool>[] {
  const read = listed.map(tool => Tool.safeParse(tool))
  const errors = read.flatMap(({ error }) => error ?? [])
  if (errors[0])
    log.warn(
      { malformed: errors.length, first: z.prettifyError(errors[0]) },
      'a device listed tools that are malformed',
    )
  return read.flatMap(({ data }) => data ?? [])
}
