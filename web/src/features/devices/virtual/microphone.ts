import workletUrl from './capture-worklet.ts?worker&url'

const sampleRate = 48_000
/** Samples that are encoded together: 20 ms. */
const chunk = sampleRate / 50

export type Microphone = {
  /** Whether packets are handed on. */
  setOpen(isOpen: boolean): void
  close(): void
}

/** Whether this browser can turn sound into Opus and back by itself. */
export const canSound = (): boolean =>
  typeof AudioEncoder === 'function' &&
  typeof AudioDecoder === 'function' &&
  typeof AudioWorkletNode === 'function' &&
  navigator.mediaDevices !== undefined

/**
 * Opens the microphone: Opus packets of 60 ms while it is open.
 * @throws {DOMException} when the user does not allow it, or there is none
 */
export async function openMicrophone(onPacket: (packet: Uint8Array) => void): Promise<Microphone> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
  })
  const context = new AudioContext({ sampleRate })
  let isOpen = false
  const encoder = new AudioEncoder({
    output(packet) {
      if (!isOpen) return
      const bytes = new Uint8Array(packet.byteLength)
      packet.copyTo(bytes)
      onPacket(bytes)
    },
    error: () => undefined,
  })
  encoder.configure({
    codec: 'opus',
    sampleRate,
    numberOfChannels: 1,
    bitrate: 24_000,
    opus: { frameDuration: 60_000, application: 'voip' },
  } as AudioEncoderConfig)
  let pending = new Float32Array(chunk)
  let filled = 0
  let samples = 0
  const take = (data: Float32Array<ArrayBuffer>) => {
    if (!isOpen || encoder.state !== 'configured') return
    for (let at = 0; at < data.length; ) {
      const part = data.subarray(at, at + chunk - filled)
      pending.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < chunk) return
      const timestamp = Math.round((samples / sampleRate) * 1e6)
      const sound = new AudioData({
        format: 'f32',
        sampleRate,
        numberOfFrames: chunk,
        numberOfChannels: 1,
        timestamp,
        data: pending,
      })
      encoder.encode(sound)
      sound.close()
      samples += chunk
      filled = 0
      pending = new Float32Array(chunk)
    }
  }
  await context.audioWorklet.addModule(workletUrl)
  const node = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0 })
  node.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => take(data)
  context.createMediaStreamSource(stream).connect(node)
  return {
    setOpen(wanted) {
      isOpen = wanted
    },
    close() {
      isOpen = false
      for (const track of stream.getTracks()) track.stop()
      if (encoder.state !== 'closed') encoder.close()
      void context.close()
    },
  }
}
