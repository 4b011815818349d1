import { openDecoder } from './opus.ts'

/** What is in hand before the first packet plays, in seconds. */
const lead = 0.06

export type Loudspeaker = {
  play(packet: Uint8Array<ArrayBuffer>): void
  /** Silence at once. */
  stop(): void
  /** 0 to 100. */
  volume: number
  close(): void
}

/**
 * Plays Opus packets one after the other, as they come. To be called in a click: browsers start no sound otherwise.
 * @throws {Error} when this browser cannot decode Opus
 */
export async function openLoudspeaker(): Promise<Loudspeaker> {
  const context = new AudioContext()
  void context.resume()
  const gain = context.createGain()
  gain.connect(context.destination)
  const playing = new Set<AudioBufferSourceNode>()
  let next = 0
  let volume = 70

  const decoder = await openDecoder((samples, rate) => {
    const buffer = context.createBuffer(1, samples.length, rate)
    buffer.copyToChannel(samples, 0)
    const source = context.createBufferSource()
    source.buffer = buffer
    source.connect(gain)
    source.onended = () => playing.delete(source)
    playing.add(source)
    next = Math.max(next, context.currentTime + (playing.size === 1 ? lead : 0))
    source.start(next)
    next += buffer.duration
  }).catch(error => {
    void context.close()
    throw error
  })

  function stop() {
    decoder.reset()
    for (const source of playing) source.stop()
    playing.clear()
    next = 0
  }
  return {
    play: packet => decoder.decode(packet),
    stop,
    get volume() {
      return volume
    },
    set volume(wanted) {
      volume = Math.max(0, Math.min(100, wanted))
      gain.gain.value = (volume / 70) ** 2
    },
    close() {
      stop()
      decoder.close()
      void context.close()
    },
  }
}
