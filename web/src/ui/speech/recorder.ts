export type MicrophoneProblem = 'insecure' | 'denied' | 'missing' | 'busy'

/** Why there is no sound from the microphone. */
export class MicrophoneError extends Error {
  readonly problem: MicrophoneProblem

  constructor(problem: MicrophoneProblem, cause?: unknown) {
    super(problem, { cause })
    this.name = 'MicrophoneError'
    this.problem = problem
  }
}

export type Recording = {
  /** How loud it is now, from 0 to 1. */
  level(): number
  /** Ends the recording: WAV, mono, 16,000 samples a second. */
  stop(): Promise<Blob>
  /** Throws the recording away. */
  cancel(): void
}

/** What recognisers want. */
const sampleRate = 16_000

/** Asks for the microphone, where that was not done before, and records. @throws MicrophoneError */
export async function startRecording(): Promise<Recording> {
  const stream = await askForMicrophone()
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 1024
  context.createMediaStreamSource(stream).connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  const recorder = new MediaRecorder(stream)
  const parts: Blob[] = []
  const stopped = new Promise<void>(resolve =>
    recorder.addEventListener('stop', () => resolve(), { once: true }),
  )
  recorder.addEventListener('dataavailable', event => parts.push(event.data))
  recorder.start(1000)

  const close = () => {
    if (recorder.state !== 'inactive') recorder.stop()
    for (const track of stream.getTracks()) track.stop()
    if (context.state !== 'closed') void context.close()
  }
  return {
    level() {
      analyser.getFloatTimeDomainData(samples)
      const loudness = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)
      // From −55 dB, a quiet room, to −10 dB, a loud voice.
      return Math.min(1, Math.max(0, (20 * Math.log10(loudness + 1e-6) + 55) / 45))
    },
    async stop() {
      close()
      await stopped
      return toWav(await new Blob(parts).arrayBuffer())
    },
    cancel: close,
  }
}

/** The sound of the microphone; the browser asks whether it may. @throws MicrophoneError */
export async function askForMicrophone(): Promise<MediaStream> {
  // Browsers hide it from pages that came over plain http.
  if (!navigator.mediaDevices) throw new MicrophoneError('insecure')
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    })
  } catch (error) {
    const name = error instanceof DOMException ? error.name : ''
    if (name === 'NotAllowedError' || name === 'SecurityError') throw new MicrophoneError('denied', error)
    if (name === 'NotReadableError' || name === 'AbortError') throw new MicrophoneError('busy', error)
    throw new MicrophoneError('missing', error)
  }
}

/** Whatever the browser records in: decoded, and resampled by the way. */
async function toWav(recorded: ArrayBuffer): Promise<Blob> {
  if (recorded.byteLength === 0) return new Blob([wavHead(0)], { type: 'audio/wav' })
  const buffer = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(recorded)
  const channel = buffer.getChannelData(0)
  const pcm = Int16Array.from(channel, sample => Math.max(-1, Math.min(1, sample)) * 32_767)
  return new Blob([wavHead(pcm.byteLength), pcm], { type: 'audio/wav' })
}

function wavHead(bytes: number): ArrayBuffer {
  const head = new DataView(new ArrayBuffer(44))
  const write = (at: number, text: string) => {
    for (let i = 0; i < text.length; i++) head.setUint8(at + i, text.charCodeAt(i))
  }
  write(0, 'RIFF')
  head.setUint32(4, 36 + bytes, true)
  write(8, 'WAVEfmt ')
  head.setUint32(16, 16, true)
  head.setUint16(20, 1, true)
  head.setUint16(22, 1, true)
  head.setUint32(24, sampleRate, true)
  head.setUint32(28, sampleRate * 2, true)
  head.setUint16(32, 2, true)
  head.setUint16(34, 16, true)
  write(36, 'data')
  head.setUint32(40, bytes, true)
  return head.buffer
}
