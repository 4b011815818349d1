import type { Pcm } from '#core/speech/types.ts'

/** What a voice detector takes for a voice: syllables of a buzz with the overtones of an open mouth. */
export function voiceLike(ms: number, sample_rate = 16_000): Pcm {
  const pcm = new Int16Array((sample_rate / 1000) * ms)
  let phase = 0
  for (let i = 0; i < pcm.length; i++) {
    const seconds = i / sample_rate
    phase += (2 * Math.PI * (140 + 25 * Math.sin(seconds * 5))) / sample_rate
    const syllable = Math.max(0.15, Math.sin(2 * Math.PI * 3.5 * seconds)) ** 0.5
    let sum = 0
    for (let overtone = 1; overtone <= 18; overtone++) {
      const near =
        Math.exp(-(((overtone * 140 - 700) / 500) ** 2)) + Math.exp(-(((overtone * 140 - 1800) / 400) ** 2))
      sum += Math.sin(phase * overtone) * (0.2 / overtone + near)
    }
    pcm[i] = Math.max(-32_000, Math.min(32_000, 4500 * syllable * sum + (Math.random() - 0.5) * 60))
  }
  return pcm
}

/** A quiet room. */
export const roomNoise = (ms: number, sample_rate = 16_000): Pcm =>
  Int16Array.from({ length: (sample_rate / 1000) * ms }, () => (Math.random() - 0.5) * 30)
