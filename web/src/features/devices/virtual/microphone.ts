import { askForMicrophone } from '#ui/speech/recorder.ts'
import workletUrl from './capture-worklet.ts?worker&url'
import { openEncoder } from './opus.ts'
import { uplink } from './sound.ts'

export type Microphone = {
  /** Whether packets are handed on. */
  setOpen(isOpen: boolean): void
  close(): void
}

/**
 * Opens the microphone: Opus packets of 60 ms while it is open.
 * @throws {MicrophoneError} when the user does not allow it, or there is none
 * @throws {Error} when this browser cannot encode
 */
export async function openMicrophone(
  onPacket: (packet: Uint8Array<ArrayBuffer>) => void,
): Promise<Microphone> {
  const stream = await askForMicrophone()
  // At the rate of the machine: Firefox takes no microphone into a context with another one.
  const context = new AudioContext()
  void context.resume()
  const closeInput = () => {
    for (const track of stream.getTracks()) track.stop()
    void context.close()
  }
  let isOpen = false
  try {
    const encoder = await openEncoder(packet => {
      if (isOpen) onPacket(packet)
    })
    const framer = createFramer(context.sampleRate, encoder.encode)
    await context.audioWorklet.addModule(workletUrl)
    const node = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0 })
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      if (isOpen) framer.write(data)
    }
    context.createMediaStreamSource(stream).connect(node)
    return {
      setOpen(wanted) {
        if (wanted && !isOpen) framer.reset()
        isOpen = wanted
      },
      close() {
        isOpen = false
        closeInput()
        encoder.close()
      },
    }
  } catch (error) {
    closeInput()
    throw error
  }
}

/** Cuts samples of any rate into the packets that go up, drawing straight lines between them where rates differ. */
function createFramer(rate: number, onFrame: (samples: Float32Array<ArrayBuffer>) => void) {
  const step = rate / uplink.rate
  let frame = new Float32Array(uplink.samples)
  let filled = 0
  let last = 0
  /** Where the next sample of the packet stands: 0 at `last`, 1 at the one that comes. */
  let place = 0
  return {
    write(samples: Float32Array) {
      for (const sample of samples) {
        for (; place < 1; place += step) {
          frame[filled++] = last + (sample - last) * place
          if (filled < frame.length) continue
          onFrame(frame)
          frame = new Float32Array(uplink.samples)
          filled = 0
        }
        place -= 1
        last = sample
      }
    },
    /** Forgets what was not enough for a packet. */
    reset() {
      filled = 0
    },
  }
}
