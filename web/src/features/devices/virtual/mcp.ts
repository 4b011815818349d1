import type { Loudspeaker } from './loudspeaker.ts'

type Request = {
  id?: number
  method?: string
  params?: { name?: string; arguments?: Record<string, unknown> }
}

/** The device as an MCP server: the answer to a request, or null for what needs none. */
export function answerMcp(request: Request, loudspeaker: Loudspeaker | null): object | null {
  const { id, method, params } = request
  if (typeof id !== 'number') return null
  return { type: 'mcp', payload: { jsonrpc: '2.0', id, ...outcome(method, params, loudspeaker) } }
}

function outcome(method: Request['method'], params: Request['params'], loudspeaker: Loudspeaker | null) {
  const told = (value: unknown) => ({
    result: { content: [{ type: 'text', text: JSON.stringify(value) }], isError: false },
  })
  if (method === 'initialize')
    return {
      result: {
        protocolVersion: '2024-11-05',
        capabilities: { tools: {} },
        serverInfo: { name: 'virtual-device', version: '1.0.0' },
      },
    }
  if (method === 'tools/list') return { result: { tools } }
  if (params?.name === 'self.get_device_status')
    return told({ audio_speaker: { volume: loudspeaker?.volume ?? 0 }, screen: { theme: 'light' } })
  if (params?.name === 'self.audio_speaker.set_volume' && loudspeaker) {
    loudspeaker.volume = Number(params.arguments?.volume)
    return told(true)
  }
  return { error: { message: `Unknown: ${params?.name ?? method}` } }
}

const tools = [
  {
    name: 'self.get_device_status',
    description: 'The state of the device: loudspeaker and screen.',
    inputSchema: { type: 'object', properties: {} },
  },
  {
    name: 'self.audio_speaker.set_volume',
    description: 'Sets the volume of the loudspeaker, 0 to 100.',
    inputSchema: {
      type: 'object',
      properties: { volume: { type: 'integer', minimum: 0, maximum: 100 } },
      required: ['volume'],
    },
  },
]
