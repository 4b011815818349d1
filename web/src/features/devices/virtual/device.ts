import { api } from '#api/client.ts'
import { MicrophoneError, type MicrophoneProblem } from '#ui/speech/recorder.ts'
import { type Loudspeaker, openLoudspeaker } from './loudspeaker.ts'
import { answerMcp } from './mcp.ts'
import { type Microphone, openMicrophone } from './microphone.ts'
import { uplink } from './sound.ts'
import { type Identity, identity, startUp, untilAnswered } from './start-up.ts'

export type TalkMode = 'auto' | 'manual' | 'realtime'
export type Line = { id: number; who: 'user' | 'device' | 'notice'; text: string }

export type VirtualState = {
  /** `elsewhere`: the same device was switched on in another tab. */
  stage: 'off' | 'starting' | 'unclaimed' | 'on' | 'lost' | 'elsewhere'
  /** The six digits, while it has no owner; null when an operator has to let it in first. */
  code: string | null
  activity: 'idle' | 'listening' | 'thinking' | 'speaking'
  emotion: string
  lines: readonly Line[]
  /** What is being said: the sentence, where `lines` has the whole answer. */
  subtitle: string
  /** `unsupported`: this browser cannot encode what it hears. */
  microphone: 'closed' | 'opening' | 'open' | MicrophoneProblem | 'unsupported'
  mode: TalkMode
  error: unknown
}

type Down = { type: string; [key: string]: unknown }

const mostLines = 100
const pingEvery_ms = 45_000
/** After so long, nothing was said before the button was let go. */
const nothingSaid_ms = 8000
/** The close code for a device that connected a second time. */
const replaced = 4003

const initial: VirtualState = {
  stage: 'off',
  code: null,
  activity: 'idle',
  emotion: 'neutral',
  lines: [],
  subtitle: '',
  microphone: 'closed',
  mode: 'auto',
  error: null,
}

export type VirtualDevice = ReturnType<typeof createVirtualDevice>

/** A device in the browser: it starts up, greets, listens and speaks as one of plastic does. */
export function createVirtualDevice() {
  // Browsers hide the microphone from pages that came over plain HTTP.
  let state: VirtualState = { ...initial, microphone: navigator.mediaDevices ? 'closed' : 'insecure' }
  const watchers = new Set<() => void>()
  /** From switching on, or connecting again, until the connection is gone. */
  let life = new AbortController()
  let socket: WebSocket | null = null
  let loudspeaker: Loudspeaker | null = null
  let microphone: Microphone | null = null
  let lineCount = 0
  let wantsToListen = false
  /** From an interruption until the server has answered it: what comes in between is of the answer that was cut. */
  let isInterrupting = false
  /** Whether the last line is the beginning of what is being said. */
  let isAnswering = false
  let unheard: ReturnType<typeof setTimeout> | undefined

  const set = (change: Partial<VirtualState>) => {
    if (change.activity) clearTimeout(unheard)
    state = { ...state, ...change }
    const { activity, mode } = state
    microphone?.setOpen(
      activity === 'listening' || (activity !== 'idle' && mode === 'realtime' && wantsToListen),
    )
    for (const watcher of watchers) watcher()
  }
  const say = (who: Line['who'], text: string) => {
    if (text === '') return
    const lines = [...state.lines, { id: ++lineCount, who, text }].slice(-mostLines)
    set(who === 'notice' ? { lines } : { lines, subtitle: text })
  }
  /** One more sentence of the answer. */
  const goOn = (text: string) => {
    const last = state.lines.at(-1)
    if (!isAnswering || last?.who !== 'device') return say('device', text)
    const space = /[\u2E80-\uFFFF]$/.test(last.text) ? '' : ' '
    const longer = { ...last, text: last.text + space + text }
    set({ lines: [...state.lines.slice(0, -1), longer], subtitle: text })
  }
  const send = (message: object) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
  }

  /** Ends what was, and lets go of sound and microphone. */
  function end() {
    life.abort()
    socket?.close(1000)
    socket = null
    wantsToListen = false
    isInterrupting = false
    microphone?.close()
    microphone = null
    loudspeaker?.close()
    loudspeaker = null
    const isHeld = state.microphone === 'open' || state.microphone === 'opening'
    set({ activity: 'idle', emotion: 'neutral', subtitle: '', ...(isHeld ? { microphone: 'closed' } : {}) })
  }

  async function switchOn() {
    const before = state.stage
    end()
    life = new AbortController()
    const { signal } = life
    set({ stage: 'starting', error: null, code: null })
    const opened = await openLoudspeaker().catch(() => null)
    if (signal.aborted) return opened?.close()
    loudspeaker = opened
    await start(before)
  }

  /** Starts up and connects; while it has no owner it shows digits and asks again. */
  async function start(before: VirtualState['stage']) {
    const { signal } = life
    try {
      const me = identity()
      for (;;) {
        const { activation, websocket } = await startUp(me, signal)
        if (!activation) return connect(me, websocket.token, signal)
        set({ stage: 'unclaimed', code: activation.code ?? null })
        await untilAnswered(me, signal)
      }
    } catch (error) {
      if (signal.aborted) return
      end()
      set({ stage: before, error })
    }
  }

  async function claim() {
    set({ error: null })
    try {
      await api.post('/devices/claims', { code: state.code })
    } catch (error) {
      return set({ error })
    }
    // It may have noticed by itself, or been switched off.
    if (state.stage !== 'unclaimed') return
    life.abort()
    life = new AbortController()
    await start('off')
  }

  function connect({ mac, client_id }: Identity, token: string, signal: AbortSignal) {
    const url = new URL('/api/v1/devices/ws', location.href)
    url.protocol = url.protocol.replace('http', 'ws')
    url.search = new URLSearchParams({ token, 'device-id': mac, 'client-id': client_id }).toString()
    const mine = new WebSocket(url)
    mine.binaryType = 'arraybuffer'
    socket = mine
    mine.onopen = () => send(hello)
    mine.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (signal.aborted) return
      if (typeof data === 'string') hear(JSON.parse(data) as Down)
      else if (state.activity === 'speaking' && !isInterrupting) loudspeaker?.play(new Uint8Array(data))
    }
    mine.onclose = ({ code }) => {
      if (signal.aborted) return
      end()
      set({ stage: code === replaced ? 'elsewhere' : 'lost' })
    }
    const ping = setInterval(() => send({ type: 'ping' }), pingEvery_ms)
    signal.addEventListener('abort', () => clearInterval(ping))
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
    else if (message.type === 'mcp') {
      const answer = answerMcp(message.payload as Parameters<typeof answerMcp>[0], loudspeaker)
      if (answer) send(answer)
    } else if (message.type === 'tts') hearSpeech(message.state, text)
  }

  function hearSpeech(what: unknown, text: string) {
    if (what === 'stop') {
      isInterrupting = false
      loudspeaker?.stop()
      // Whoever pressed the button in the middle of an answer is speaking by now.
      if (state.activity === 'listening') return
      // The server goes on listening by itself. To ask it again would cut off whoever is interrupting.
      const listens = wantsToListen && state.mode !== 'manual'
      set({ activity: listens ? 'listening' : 'idle', emotion: 'neutral' })
    } else if (isInterrupting) return
    else if (what === 'start') {
      loudspeaker?.stop()
      isAnswering = false
      set({ activity: 'thinking' })
    } else if (what === 'sentence_start') {
      goOn(text)
      isAnswering = true
      set({ activity: 'speaking' })
    }
  }

  function listen() {
    wantsToListen = true
    send({ type: 'listen', state: 'start', mode: state.mode })
    set({ activity: 'listening' })
  }

  function interrupt() {
    isInterrupting = true
    loudspeaker?.stop()
    send({ type: 'abort' })
  }

  /** Opens the microphone, the first time with the browser's question. False when that did not work. */
  async function unmute(): Promise<boolean> {
    if (microphone) return true
    const { signal } = life
    set({ microphone: 'opening' })
    try {
      const opened = await openMicrophone(packet => {
        if (socket?.readyState === WebSocket.OPEN) socket.send(packet)
      })
      // It was switched off while the browser asked.
      if (signal.aborted) {
        opened.close()
        return false
      }
      microphone = opened
      set({ microphone: 'open' })
      return true
    } catch (error) {
      if (!signal.aborted)
        set({ microphone: error instanceof MicrophoneError ? error.problem : 'unsupported' })
      return false
    }
  }

  return {
    subscribe(watcher: () => void) {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    getState: () => state,
    /** Switches it on; browsers want that to come from a click, or it may make no sound. */
    switchOn,
    claim,
    async startListening() {
      if (state.microphone === 'opening' || !(await unmute())) return
      if (state.activity === 'speaking' || state.activity === 'thinking') interrupt()
      listen()
    },
    stopListening() {
      wantsToListen = false
      send({ type: 'listen', state: 'stop' })
      if (state.activity !== 'listening') return
      const isManual = state.mode === 'manual'
      set({ activity: isManual ? 'thinking' : 'idle' })
      if (isManual) unheard = setTimeout(() => set({ activity: 'idle' }), nothingSaid_ms)
    },
    setMode(mode: TalkMode) {
      set({ mode })
      if (!wantsToListen) return
      // Listening by button would break off the answer that is being given.
      if (mode === 'manual' && state.activity !== 'listening') {
        wantsToListen = false
        send({ type: 'listen', state: 'stop' })
      } else send({ type: 'listen', state: 'start', mode })
    },
    type(text: string) {
      // Not as a device that detected it: what sounds like a wake word would stay without an answer.
      send({ type: 'chat', text })
      set({ activity: 'thinking' })
    },
    interrupt,
    switchOff() {
      end()
      set({ stage: 'off', code: null, error: null })
    },
  }
}

const hello = {
  type: 'hello',
  version: 1,
  transport: 'websocket',
  features: { mcp: true },
  audio_params: {
    format: 'opus',
    sample_rate: uplink.rate,
    channels: 1,
    frame_duration: uplink.packet_ms,
  },
}
