import type { Executor } from '#core/db/db.ts'
import { newId } from '#core/ids.ts'
import { insertTranscription } from './transcription-store.ts'
import type { Pcm } from './types.ts'

/** A tone with the harmonics of a voice: what a detector of voices takes for speech. `loudness` is its peak, of 32,767. */
export function tone(options: { ms: number; sample_rate: number; hertz?: number; loudness?: number }): Pcm {
  const { ms, sample_rate, hertz = 150, loudness = 12_000 } = options
  return Int16Array.from({ length: Math.round((sample_rate * ms) / 1000) }, (_, i) => {
    const turn = (2 * Math.PI * hertz * i) / sample_rate
    // Swelling four times a second, like syllables.
    const swell = 0.6 + 0.4 * Math.sin((2 * Math.PI * 4 * i) / sample_rate)
    const voice =
      Math.sin(turn) + 0.6 * Math.sin(2 * turn) + 0.5 * Math.sin(4 * turn) + 0.3 * Math.sin(7 * turn)
    return Math.round((voice / 2.4) * swell * loudness)
  })
}

export const silence = (ms: number, sample_rate: number): Pcm =>
  new Int16Array(Math.round((sample_rate * ms) / 1000))

/** White noise, the same every time. */
export function noise(options: { ms: number; sample_rate: number; loudness?: number }): Pcm {
  const { ms, sample_rate, loudness = 300 } = options
  let seed = 1
  return Int16Array.from({ length: Math.round((sample_rate * ms) / 1000) }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.round((seed / 1_073_741_824 - 1) * loudness)
  })
}

/** How loud a recording is: root mean square, of 32,767. */
export const loudnessOf = (pcm: Pcm): number =>
  Math.sqrt(pcm.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, pcm.length))

/** Long audio of a user that waits to be transcribed; its id. */
export async function plantTranscription(db: Executor, user_id: string): Promise<string> {
  const id = newId()
  const expires_at = new Date(Date.now() + 3_600_000).toISOString()
  await insertTranscription(db, { id, user_id, job_id: newId(), engine: 'scripted', seconds: 90, expires_at })
  return id
}
