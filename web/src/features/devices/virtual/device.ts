import { api } from '#api/client.ts'
import { type Loudspeaker, openLoudspeaker } from './loudspeaker.ts'
import { canSound, type Microphone, openMicrophone } from './microphone.ts'

export type TalkMode = 'auto' | 'manual' | 'realtime'
export type Line = { id: number; who: 'user' | 'device' | 'notice'; text: string }

export type VirtualState = {
  stage: 'off' | 'starting' | 'unclaimed' | 'on' | 'lost'
  /** The six digits, while it has no owner. */
  code: string | null
  activity: 'idle' | 'listening' | 'thinking' | 'speaking'
  emotion: string
  lines: readonly Line[]
  /** Null: text only, because there is no microphone, or it was not allowed. */
  microphone: 'closed' | 'open' | 'denied' | 'unsupported'
  mode: TalkMode
  error: unknown
}

type Down = { type: string; [key: string]: unknown }
type StartUp = { websocket: { token: string }; activation?: { code?: string } }

const mostLines = 100
const pingEvery_ms = 45_000
const storageKey = 'banyan.virtual-device'

/** The browser's own address, made up once: it is the same device after a reload. */
function identity(): { mac: string; client_id: string } {
  const stored = localStorage.getItem(storageKey)
  if (stored) {
    const known: unknown = JSON.parse(stored)
    if (known && typeof known === 'object' && 'mac' in known && 'client_id' in known)
      return { mac: String(known.mac), client_id: String(known.client_id) }
  }
  const bytes = crypto.getRandomValues(new Uint8Array(5))
  const mac = ['02', ...[...bytes].map(byte => byte.toString(16).padStart(2, '0'))].join(':')
  const made = { mac, client_id: crypto.randomUUID() }
  localStorage.setItem(storageKey, JSON.stringify(made))
  return made
}

const initial: VirtualState = {
  stage: 'off',
  code: null,
  activity: 'idle',
  emotion: 'neutral',
  lines: [],
  microphone: 'closed',
  mode: 'auto',
  error: null,
}

export type VirtualDevice = ReturnType<typeof createVirtualDevice>

/** A device in the browser: it starts up, greets, listens and speaks as one of plastic does. */
export function createVirtualDevice() {
  let state: VirtualState = { ...initial, microphone: canSound() ? 'closed' : 'unsupported' }
  const watchers = new Set<() => void>()
  let socket: WebSocket | null = null
  let loudspeaker: Loudspeaker | null = null
  let microphone: Microphone | null = null
  let lineCount = 0
  let ping: ReturnType<typeof setInterval> | undefined

  const set = (change: Partial<VirtualState>) => {
    state = { ...state, ...change }
    microphone?.setOpen(
      state.activity === 'listening' || (state.activity !== 'idle' && state.mode === 'realtime'),
    )
    for (const watcher of watchers) watcher()
  }
  const say = (who: Line['who'], text: string) => {
    if (text !== '') set({ lines: [...state.lines, { id: ++lineCount, who, text }].slice(-mostLines) })
  }
  const send = (message: object) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
  }

  async function start() {
    set({ stage: 'starting', error: null, code: null })
    try {
      const me = identity()
      const answer = await startUp(me)
      if (answer.activation) set({ stage: 'unclaimed', code: answer.activation.code ?? null })
      else connect(me, answer.websocket.token)
    } catch (error) {
      set({ stage: 'off', error })
    }
  }

  async function claim() {
    try {
      await api.post('/devices/claims', { code: state.code })
      await start()
    } catch (error) {
      set({ error })
    }
  }

  function connect({ mac, client_id }: ReturnType<typeof identity>, token: string) {
    const url = new URL('/api/v1/devices/ws', location.href)
    url.protocol = url.protocol.replace('http', 'ws')
    url.search = new URLSearchParams({ token, 'device-id': mac, 'client-id': client_id }).toString()
    const mine = new WebSocket(url)
    mine.binaryType = 'arraybuffer'
    socket = mine
    mine.onopen = () =>
      send({
        type: 'hello',
        version: 1,
        transport: 'websocket',
        features: { mcp: true },
        audio_params: { format: 'opus', sample_rate: 48_000, channels: 1, frame_duration: 60 },
      })
    mine.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data !== 'string') {
        if (state.activity === 'speaking') loudspeaker?.play(new Uint8Array(data))
      } else hear(JSON.parse(data) as Down)
    }
    mine.onclose = () => {
      if (socket !== mine) return
      release()
      set({ stage: 'lost', activity: 'idle' })
    }
    clearInterval(ping)
    ping = setInterval(() => send({ type: 'ping' }), pingEvery_ms)
  }

  function hear(message: Down) {
    const text = typeof message.text === 'string' ? message.text : ''
    if (message.type === 'hello') set({ stage: 'on', activity: 'idle', error: null })
    else if (message.type === 'stt') {
      say('user', text)
      set({ activity: 'thinking' })
    } else if (message.type === 'llm') set({ emotion: String(message.emotion) })
    else if (message.type === 'alert') say('notice', String(message.message))
    else if (message.type === 'error') say('notice', String(message.detail))
    else if (message.type === 'mcp') answerMcp(message.payload)
    else if (message.type === 'tts') hearSpeech(message.state, text)
  }

  function hearSpeech(what: unknown, text: string) {
    if (what === 'start') {
      loudspeaker?.stop()
      set({ activity: 'speaking' })
    } else if (what === 'sentence_start') say('device', text)
    else if (what === 'stop') {
      loudspeaker?.stop()
      const listensAgain = state.microphone === 'open' && state.mode !== 'manual' && wantsToListen
      set({ activity: 'idle', emotion: 'neutral' })
      if (listensAgain) listen()
    }
  }
  let wantsToListen = false

  function listen() {
    wantsToListen = true
    send({ type: 'listen', state: 'start', mode: state.mode })
    set({ activity: 'listening' })
  }

  function answerMcp(payload: unknown) {
    const { id, method, params } = payload as {
      id?: number
      method?: string
      params?: { name?: string; arguments?: Record<string, unknown> }
    }
    if (typeof id !== 'number') return
    const reply = (rest: object) => send({ type: 'mcp', payload: { jsonrpc: '2.0', id, ...rest } })
    const told = (value: unknown) =>
      reply({ result: { content: [{ type: 'text', text: JSON.stringify(value) }], isError: false } })
    if (method === 'initialize')
      reply({
        result: {
          protocolVersion: '2024-11-05',
          capabilities: { tools: {} },
          serverInfo: { name: 'virtual-device', version: '1.0.0' },
        },
      })
    else if (method === 'tools/list') reply({ result: { tools } })
    else if (params?.name === 'self.get_device_status')
      told({ audio_speaker: { volume: loudspeaker?.volume ?? 70 }, screen: { theme: 'light' } })
    else if (params?.name === 'self.audio_speaker.set_volume' && loudspeaker) {
      loudspeaker.volume = Number(params.arguments?.volume)
      told(true)
    } else reply({ error: { message: `Unknown: ${params?.name ?? method}` } })
  }

  function release() {
    clearInterval(ping)
    microphone?.close()
    microphone = null
    loudspeaker?.close()
    loudspeaker = null
    if (state.microphone === 'open') state = { ...state, microphone: 'closed' }
  }

  return {
    subscribe(watcher: () => void) {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    getState: () => state,
    /** Switches it on; browsers want that to come from a click, or it may make no sound. */
    async switchOn() {
      if (canSound()) loudspeaker ??= openLoudspeaker()
      await start()
    },
    claim,
    /** Opens the microphone, the first time with the browser's question, and listens. */
    async startListening() {
      if (!microphone) {
        try {
          microphone = await openMicrophone(packet => {
            if (socket?.readyState === WebSocket.OPEN) socket.send(packet as Uint8Array<ArrayBuffer>)
          })
          set({ microphone: 'open' })
        } catch {
          set({ microphone: 'denied' })
          return
        }
      }
      if (state.activity === 'speaking' || state.activity === 'thinking') send({ type: 'abort' })
      listen()
    },
    stopListening() {
      wantsToListen = false
      send({ type: 'listen', state: 'stop' })
      if (state.activity === 'listening') set({ activity: state.mode === 'manual' ? 'thinking' : 'idle' })
      // The button was let go before anything was said.
      if (state.mode === 'manual')
        setTimeout(() => state.activity === 'thinking' && set({ activity: 'idle' }), 8000)
    },
    setMode(mode: TalkMode) {
      set({ mode })
      if (state.activity === 'listening') listen()
    },
    type(text: string) {
      send({ type: 'listen', state: 'detect', text })
      set({ activity: 'thinking' })
    },
    abort() {
      loudspeaker?.stop()
      send({ type: 'abort' })
    },
    switchOff() {
      const old = socket
      socket = null
      wantsToListen = false
      old?.close(1000)
      release()
      set({ ...initial, microphone: state.microphone, lines: state.lines, mode: state.mode })
    },
  }
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

async function startUp({ mac, client_id }: { mac: string; client_id: string }): Promise<StartUp> {
  const headers = { 'device-id': mac, 'client-id': client_id }
  const body = { application: { version: '1.0.0' }, board: { type: 'virtual', name: 'virtual' } }
  return api.post('/devices/ota', body, { headers })
}
