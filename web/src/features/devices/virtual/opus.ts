import type { OpusAnswer, OpusJob } from './opus-worker.ts'
import OpusWorker from './opus-worker.ts?worker'
import { bitrate, downlink, uplink } from './sound.ts'

export type Encoder = {
  /** `uplink.samples` samples, which it may keep. */
  encode(samples: Float32Array<ArrayBuffer>): void
  close(): void
}
export type Decoder = {
  decode(packet: Uint8Array<ArrayBuffer>): void
  /** Nothing more comes of what was given so far; what follows is another stream. */
  reset(): void
  close(): void
}
type OnPacket = (packet: Uint8Array<ArrayBuffer>) => void
type OnSound = (samples: Float32Array<ArrayBuffer>, rate: number) => void

/** The browser's own Opus where it has that, else WebAssembly. @throws {Error} when neither works here */
export const openEncoder = async (onPacket: OnPacket): Promise<Encoder> =>
  (await hasEncoder()) ? nativeEncoder(onPacket) : workerEncoder(onPacket)

/** As `openEncoder`. */
export const openDecoder = async (onSound: OnSound): Promise<Decoder> =>
  (await hasDecoder()) ? nativeDecoder(onSound) : workerDecoder(onSound)

const encoderConfig = {
  codec: 'opus',
  sampleRate: uplink.rate,
  numberOfChannels: 1,
  bitrate,
  opus: { frameDuration: uplink.packet_ms * 1000, application: 'voip' },
} as AudioEncoderConfig
const decoderConfig: AudioDecoderConfig = { codec: 'opus', sampleRate: downlink.rate, numberOfChannels: 1 }

const supported = (answer: Promise<{ supported?: boolean }>): Promise<boolean> =>
  answer.then(
    it => it.supported === true,
    () => false,
  )
const hasEncoder = async () =>
  typeof AudioEncoder === 'function' && supported(AudioEncoder.isConfigSupported(encoderConfig))
const hasDecoder = async () =>
  typeof AudioDecoder === 'function' && supported(AudioDecoder.isConfigSupported(decoderConfig))

function nativeEncoder(onPacket: OnPacket): Encoder {
  const encoder = new AudioEncoder({
    output(packet) {
      const bytes = new Uint8Array(packet.byteLength)
      packet.copyTo(bytes)
      onPacket(bytes)
    },
    error: () => undefined,
  })
  encoder.configure(encoderConfig)
  let count = 0
  return {
    encode(data) {
      if (encoder.state !== 'configured') return
      const sound = new AudioData({
        format: 'f32',
        sampleRate: uplink.rate,
        numberOfFrames: data.length,
        numberOfChannels: 1,
        timestamp: count++ * uplink.packet_ms * 1000,
        data,
      })
      encoder.encode(sound)
      sound.close()
    },
    close() {
      if (encoder.state !== 'closed') encoder.close()
    },
  }
}

function nativeDecoder(onSound: OnSound): Decoder {
  const decoder = new AudioDecoder({
    output(sound) {
      const samples = new Float32Array(sound.numberOfFrames)
      sound.copyTo(samples, { planeIndex: 0, format: 'f32-planar' })
      onSound(samples, sound.sampleRate)
      sound.close()
    },
    error: () => undefined,
  })
  decoder.configure(decoderConfig)
  let count = 0
  return {
    decode(data) {
      if (decoder.state !== 'configured') return
      const timestamp = count++ * downlink.packet_ms * 1000
      decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp, data }))
    },
    reset() {
      if (decoder.state !== 'configured') return
      decoder.reset()
      decoder.configure(decoderConfig)
    },
    close() {
      if (decoder.state !== 'closed') decoder.close()
    },
  }
}

async function workerEncoder(onPacket: OnPacket): Promise<Encoder> {
  const { give, close } = await openWorker<Uint8Array<ArrayBuffer>>(onPacket)
  return { encode: samples => give({ what: 'encode', samples }, samples), close }
}

async function workerDecoder(onSound: OnSound): Promise<Decoder> {
  let waiting = 0
  let stale = 0
  const { give, close } = await openWorker<Float32Array<ArrayBuffer>>(samples => {
    waiting -= 1
    if (stale > 0) stale -= 1
    else if (samples.length > 0) onSound(samples, downlink.rate)
  })
  return {
    decode(packet) {
      waiting += 1
      give({ what: 'decode', packet }, packet)
    },
    reset() {
      stale = waiting
      give({ what: 'renew' })
    },
    close,
  }
}

/** @throws {Error} when the browser has no WebAssembly, or the codec could not be fetched */
async function openWorker<Answer extends OpusAnswer>(onAnswer: (answer: Answer) => void) {
  const worker = new OpusWorker()
  const close = () => worker.terminate()
  await new Promise<void>((resolve, reject) => {
    const fail = () => {
      close()
      reject(new Error('The Opus codec cannot be loaded, or this browser cannot run it'))
    }
    worker.onerror = fail
    worker.onmessage = ({ data }: MessageEvent<OpusAnswer>) => {
      if (data === 'ready') resolve()
      else if (data === 'failed') fail()
      else onAnswer(data as Answer)
    }
  })
  const give = (job: OpusJob, moved?: { buffer: ArrayBuffer }) =>
    worker.postMessage(job, moved ? [moved.buffer] : [])
  return { give, close }
}
