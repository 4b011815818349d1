import { synthesize } from '#api/speech.ts'

type Listener = {
  /** The first sound is heard. */
  onStart(isPreview: boolean): void
  /** It is over: read to its end or stopped (null), or it failed. Called once. */
  onEnd(error: unknown): void
}

const headLength = 44
/** What the server sends, samples a second. */
const sampleRate = 24_000
/** Sound that is fetched before it is heard, in seconds. More would be made for nothing when the reader stops it. */
const readAhead = 20
/** Shorter pieces of sound are joined before they are played, in seconds. */
const shortest = 0.15
/** The server takes 10,000 characters at once. */
const longestPart = 8000

let stopCurrent: (() => void) | null = null

/** Reads a text aloud, in place of what is being read. Call it from a click, or the browser keeps silent. */
export function readAloud(text: string, { onStart, onEnd }: Listener): () => void {
  stopCurrent?.()
  const context = new AudioContext({ sampleRate })
  const abort = new AbortController()
  let isOver = false
  const end = (error: unknown) => {
    if (isOver) return
    isOver = true
    abort.abort()
    void context.close()
    if (stopCurrent === stop) stopCurrent = null
    onEnd(error)
  }
  const stop = () => end(null)
  stopCurrent = stop
  play(context, text, abort.signal, onStart).then(stop, end)
  return stop
}

async function play(
  context: AudioContext,
  text: string,
  signal: AbortSignal,
  onStart: (isPreview: boolean) => void,
): Promise<void> {
  let next = 0
  let last: AudioBufferSourceNode | null = null
  let isHeard = false
  const schedule = (pcm: Int16Array) => {
    const buffer = context.createBuffer(1, pcm.length, sampleRate)
    const channel = buffer.getChannelData(0)
    for (const [i, sample] of pcm.entries()) channel[i] = sample / 32_768
    last = context.createBufferSource()
    last.buffer = buffer
    last.connect(context.destination)
    next = Math.max(next, context.currentTime + 0.05)
    last.start(next)
    next += buffer.duration
  }
  for (const part of partsOf(text)) {
    const response = await synthesize(part, signal)
    const isPreview = response.headers.get('x-speech-preview') === 'true'
    for await (const pcm of samplesOf(response)) {
      if (!isHeard) onStart(isPreview)
      isHeard = true
      schedule(pcm)
      const ahead = next - context.currentTime - readAhead
      if (ahead > 0) await waited(ahead, signal)
    }
  }
  if (last) await waited(next - context.currentTime, signal)
}

/** The samples of a WAV stream, in pieces that are worth playing. */
async function* samplesOf(response: Response): AsyncGenerator<Int16Array> {
  const reader = response.body?.getReader()
  let toSkip = headLength
  let rest = new Uint8Array(0)
  while (reader) {
    const { value, done } = await reader.read()
    const skipped = Math.min(toSkip, value?.length ?? 0)
    toSkip -= skipped
    const bytes = new Uint8Array(rest.length + (value?.length ?? 0) - skipped)
    bytes.set(rest)
    if (value) bytes.set(value.subarray(skipped), rest.length)
    const whole = bytes.length - (bytes.length % 2)
    if (done || whole >= shortest * sampleRate * 2) {
      if (whole > 0) yield new Int16Array(bytes.buffer, 0, whole / 2)
      rest = bytes.slice(whole)
    } else rest = bytes
    if (done) return
  }
}

const waited = (seconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.max(0, seconds) * 1000)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })

/** Long texts in parts, cut between paragraphs where there are some. */
export function partsOf(text: string): string[] {
  if (text.length <= longestPart) return [text]
  const paragraph = text.lastIndexOf('\n', longestPart)
  const space = text.lastIndexOf(' ', longestPart)
  // Not between the halves of a character: the server takes no half ones.
  const isHalf = /[\uD800-\uDBFF]/.test(text.charAt(longestPart - 1))
  const at = paragraph > 0 ? paragraph : space > 0 ? space : longestPart - (isHalf ? 1 : 0)
  return [text.slice(0, at), ...partsOf(text.slice(at))]
}
