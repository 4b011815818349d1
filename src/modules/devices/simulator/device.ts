import { once } from 'node:events'
import { WebSocket } from 'ws'
import { createOpusEncoder } from '#core/speech/opus.ts'
import { joinPcm } from '#core/speech/resample.ts'
import type { Pcm } from '#core/speech/types.ts'
import { decodeFrame, encodeFrame, type FramingVersion } from '../socket/framing.ts'
import { roomNoise } from './sound.ts'
import type { SimulatedIdentity } from './start-up.ts'

/** What came down as JSON, as it came. */
export type Received = { type: string; at: number; [key: string]: unknown }

export type SimulatorOptions = SimulatedIdentity & {
  url: string
  token: string
  framing?: FramingVersion
  /** Keys of the greeting that are other than usual; `null` sends no greeting. */
  hello?: Record<string, unknown> | null
  /** Plays the MCP server: the result for a request, or an Error. Without it the device has no tools. */
  mcp?: (method: string, params: Record<string, unknown>) => object | Promise<object>
  /** Where credentials stand: in headers as devices do, in the query as pages do, or in the address as it was given. */
  credentials?: 'headers' | 'query' | 'address'
}

export type SimulatedDevice = {
  webSocket: WebSocket
  /** Everything that came down, oldest first. */
  messages: Received[]
  /** Opus packets that came down, and when. */
  packets: { at: number; packet: Uint8Array }[]
  send(message: object): void
  sendAudio(packet: Uint8Array): void
  /** The first message that fits, from those after `from` on. @throws {Error} when none came in time */
  waitFor(
    fits: (message: Received) => boolean,
    options?: { from?: number; timeout_ms?: number },
  ): Promise<Received>
  /**
   * Speaks: the sound and then silence, packet by packet, until the server has heard enough or a second and a half have
   * passed. `speed` 1 is real time.
   */
  speak(pcm: Pcm, options?: { speed?: number; silence_ms?: number }): Promise<void>
  closed: Promise<{ code: number; reason: string }>
  close(): Promise<void>
}

const uplink = { sample_rate: 16_000, frame_ms: 60 } as const

/** Connects and greets, as a device does. @throws {Error} when the server does not greet back */
export async function connectDevice(options: SimulatorOptions): Promise<SimulatedDevice> {
  const { framing = 1, hello = {} } = options
  const webSocket = open(options, framing)
  const messages: Received[] = []
  const packets: SimulatedDevice['packets'] = []
  const watchers = new Set<() => void>()
  const wake = () => {
    for (const look of [...watchers]) look()
  }
  const closed = new Promise<{ code: number; reason: string }>(resolve =>
    webSocket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
  )
  webSocket.on('error', () => undefined)
  webSocket.on('close', wake)
  const send = (message: object) => webSocket.send(JSON.stringify(message))
  webSocket.on('message', (data: Buffer, isBinary) => {
    const at = performance.now()
    if (isBinary) {
      const frame = decodeFrame(framing, data)
      if (!frame) throw new Error('The server sent a frame that a device would choke on')
      packets.push({ at, packet: Uint8Array.from(frame.payload) })
    } else {
      const message = { ...(JSON.parse(String(data)) as { type: string }), at }
      messages.push(message)
      if (message.type === 'mcp' && options.mcp) void answerMcp(message, options.mcp, send)
    }
    wake()
  })

  const device: SimulatedDevice = {
    webSocket,
    messages,
    packets,
    closed,
    send,
    sendAudio: packet => webSocket.send(encodeFrame(framing, packet, 0), { binary: true }),
    waitFor(fits, { from = 0, timeout_ms = 30_000 } = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<Received>()
      const look = () => {
        const found = messages.slice(from).find(fits)
        if (found) resolve(found)
        else if (webSocket.readyState === webSocket.CLOSED) reject(new Error(`Closed. ${told()}`))
      }
      const told = () => `Came: ${JSON.stringify(messages.slice(-12))}`
      const timer = setTimeout(() => reject(new Error(`Nothing in ${timeout_ms} ms. ${told()}`)), timeout_ms)
      watchers.add(look)
      look()
      return promise.finally(() => {
        clearTimeout(timer)
        watchers.delete(look)
      })
    },
    async speak(pcm, { speed = 1, silence_ms = 1500 } = {}) {
      const encoder = await createOpusEncoder(uplink)
      const whole = joinPcm([pcm, roomNoise(silence_ms + uplink.frame_ms)])
      const heardBefore = messages.length
      const started = performance.now()
      try {
        for (
          let at = 0, sent = 0;
          at + encoder.frame_size <= whole.length;
          at += encoder.frame_size, sent++
        ) {
          if (webSocket.readyState !== webSocket.OPEN) return
          if (at >= pcm.length && messages.slice(heardBefore).some(({ type }) => type === 'stt')) return
          device.sendAudio(encoder.encode(whole.subarray(at, at + encoder.frame_size)))
          const due = started + ((sent + 1) * uplink.frame_ms) / speed
          await new Promise(resolve => setTimeout(resolve, Math.max(0, due - performance.now())))
        }
      } finally {
        encoder.free()
      }
    },
    async close() {
      webSocket.close(1000)
      const late = setTimeout(() => webSocket.terminate(), 3000)
      await closed
      clearTimeout(late)
    },
  }
  await Promise.race([once(webSocket, 'open'), closed])
  if (hello && webSocket.readyState === webSocket.OPEN) {
    send({
      type: 'hello',
      version: framing,
      features: { mcp: options.mcp !== undefined },
      transport: 'websocket',
      audio_params: {
        format: 'opus',
        sample_rate: uplink.sample_rate,
        channels: 1,
        frame_duration: uplink.frame_ms,
      },
      ...hello,
    })
    await device.waitFor(({ type }) => type === 'hello')
  }
  return device
}

function open(
  { url, token, mac, client_id, credentials = 'headers' }: SimulatorOptions,
  framing: FramingVersion,
) {
  const common = { perMessageDeflate: false, handshakeTimeout: 15_000 }
  if (credentials === 'address') return new WebSocket(url, common)
  if (credentials === 'query') {
    const address = new URL(url)
    address.searchParams.set('authorization', `Bearer ${token}`)
    address.searchParams.set('device-id', mac)
    address.searchParams.set('client-id', client_id)
    return new WebSocket(address, common)
  }
  return new WebSocket(url, {
    ...common,
    headers: {
      authorization: `Bearer ${token}`,
      'protocol-version': String(framing),
      'device-id': mac,
      'client-id': client_id,
    },
  })
}

type Rpc = { id?: number; method?: string; params?: Record<string, unknown> }

async function answerMcp(
  message: Received,
  answer: NonNullable<SimulatorOptions['mcp']>,
  send: (message: object) => void,
) {
  const { id, method = '', params = {} } = (message.payload ?? {}) as Rpc
  if (typeof id !== 'number') return
  const result = await answer(method, params)
  // Errors of firmware have no code.
  const rest = result instanceof Error ? { error: { message: result.message } } : { result }
  send({ session_id: message.session_id, type: 'mcp', payload: { jsonrpc: '2.0', id, ...rest } })
}

/** The usual answers of a device with these tools. */
export const mcpWith =
  (
    tools: readonly { name: string; description?: string; inputSchema?: object }[],
    call: (name: string, args: Record<string, unknown>) => string | Error | Promise<string>,
  ): NonNullable<SimulatorOptions['mcp']> =>
  async (method, params) => {
    if (method === 'initialize')
      return {
        protocolVersion: '2024-11-05',
        capabilities: { tools: {} },
        serverInfo: { name: 'simulator', version: '1.0.0' },
      }
    if (method === 'tools/list')
      return {
        tools: tools.map(tool => ({
          description: '',
          inputSchema: { type: 'object', properties: {} },
          ...tool,
        })),
      }
    if (method !== 'tools/call') return new Error(`Unknown method: ${method}`)
    const { name, arguments: args } = params as { name: string; arguments: Record<string, unknown> }
    const text = await call(name, args)
    return text instanceof Error ? text : { content: [{ type: 'text', text }], isError: false }
  }
