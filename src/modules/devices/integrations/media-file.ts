import type { MediaKind } from './media-tables.ts'

/** What a file of the library begins with, and what it then is. */
const sounds: readonly { media_type: string; is: (start: Buffer) => boolean }[] = [
  { media_type: 'audio/wav', is: start => ascii(start, 0, 4) === 'RIFF' && ascii(start, 8, 12) === 'WAVE' },
  { media_type: 'audio/flac', is: start => ascii(start, 0, 4) === 'fLaC' },
  { media_type: 'audio/ogg', is: start => ascii(start, 0, 4) === 'OggS' },
  {
    media_type: 'audio/mpeg',
    // An ID3 tag, or the eleven set bits of a frame of layer III.
    is: start =>
      ascii(start, 0, 3) === 'ID3' ||
      (start[0] === 0xff && ((start[1] ?? 0) & 0xe0) === 0xe0 && ((start[1] ?? 0) & 0x06) === 0x02),
  },
]

const ascii = (start: Buffer, from: number, to: number): string => start.toString('latin1', from, to)

/** A dance is what its device understands: one JSON object, of at most this many bytes. */
export const maxDanceBytes = 1024 * 1024

/** What the bytes are, whatever the name says; null for what the library does not take. */
export function mediaTypeOf(kind: MediaKind, start: Buffer): string | null {
  if (kind === 'music') return sounds.find(({ is }) => is(start))?.media_type ?? null
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(start))
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? 'application/json' : null
  } catch {
    return null
  }
}
