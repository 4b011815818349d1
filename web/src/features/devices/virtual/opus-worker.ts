/*
 * Opus by WebAssembly. A worker has the content security policy of its own script, which is none, so the pages need not
 * allow WebAssembly to anybody; and a slow phone goes on painting while it encodes.
 */
import { Application, createDecoder, createEncoder } from 'libopus-wasm'
import { bitrate, downlink, uplink } from './sound.ts'

export type OpusJob =
  | { what: 'encode'; samples: Float32Array<ArrayBuffer> }
  | { what: 'decode'; packet: Uint8Array<ArrayBuffer> }
  /** What is decoded from here on is another stream. */
  | { what: 'renew' }

/** Each `encode` and each `decode` gets one answer, in order; sound that cannot be decoded is empty. */
export type OpusAnswer = 'ready' | 'failed' | Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>

const answer = (it: OpusAnswer) =>
  self.postMessage(it, typeof it === 'string' ? {} : { transfer: [it.buffer] })

const openDecoder = () => createDecoder({ channels: 1, sampleRate: downlink.rate })

const opened = Promise.all([
  createEncoder({
    channels: 1,
    sampleRate: uplink.rate,
    frameSize: uplink.samples,
    // At this bit rate a packet costs a fifth of what it costs for `Voip`.
    application: Application.Audio,
    bitrate,
    complexity: 3,
  }),
  openDecoder(),
])

opened.then(
  ([encoder, first]) => {
    let decoder = first
    let work = Promise.resolve()
    const decode = (packet: Uint8Array) => {
      try {
        return Float32Array.from(decoder.decodeFloat(packet))
      } catch {
        return new Float32Array()
      }
    }
    const run = async (job: OpusJob) => {
      if (job.what === 'encode') answer(Uint8Array.from(encoder.encodeFloat(job.samples)))
      else if (job.what === 'decode') answer(decode(job.packet))
      else {
        decoder.free()
        decoder = await openDecoder()
      }
    }
    self.onmessage = ({ data }: MessageEvent<OpusJob>) => {
      work = work.then(() => run(data))
    }
    answer('ready')
  },
  () => answer('failed'),
)
