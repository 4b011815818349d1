const sampleRate = 24_000
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

/** Plays Opus packets one after the other, as they come. */
export function openLoudspeaker(): Loudspeaker {
  const context = new AudioContext()
  const gain = context.createGain()
  gain.connect(context.destination)
  const playing = new Set<AudioBufferSourceNode>()
  let next = 0
  let count = 0
  let volume = 70
  const decoder = new AudioDecoder({
    output(sound) {
      const buffer = context.createBuffer(1, sound.numberOfFrames, sound.sampleRate)
      sound.copyTo(buffer.getChannelData(0), { planeIndex: 0, format: 'f32-planar' })
      sound.close()
      const source = context.createBufferSource()
      source.buffer = buffer
      source.connect(gain)
      source.onended = () => playing.delete(source)
      playing.add(source)
      next = Math.max(next, context.currentTime + (playing.size === 1 ? lead : 0))
      source.start(next)
      next += buffer.duration
    },
    error: () => undefined,
  })
  const configure = () => decoder.configure({ codec: 'opus', sampleRate, numberOfChannels: 1 })
  configure()
  return {
    play(packet) {
      if (decoder.state === 'configured')
        decoder.decode(
          new EncodedAudioChunk({ type: 'key', timestamp: count++ * 60_000, duration: 60_000, data: packet }),
        )
    },
    stop() {
      if (decoder.state === 'configured') {
        decoder.reset()
        configure()
      }
      for (const source of playing) source.stop()
      playing.clear()
      next = 0
    },
    get volume() {
      return volume
    },
    set volume(wanted) {
      volume = Math.max(0, Math.min(100, wanted))
      gain.gain.value = (volume / 70) ** 2
    },
    close() {
      for (const source of playing) source.stop()
      if (decoder.state !== 'closed') decoder.close()
      void context.close()
    },
  }
}
