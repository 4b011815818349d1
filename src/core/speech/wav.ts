import { badAudio } from './errors.ts'
import type { Pcm } from './types.ts'

export type Wav = { sample_rate: number; pcm: Pcm }

const formats = { pcm: 1, float: 3, extensible: 0xfffe }
/** What sizes say that are not known, as in a stream. */
const unknownSize = 0xffff_ffff

/** The little-endian bytes of samples, without a copy. */
export const bytesOf = (pcm: Pcm): Uint8Array => new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength)

/** Samples from little-endian bytes; half a sample at the end is dropped. */
export function pcmOf(bytes: Uint8Array): Pcm {
  const length = bytes.byteLength >> 1
  // Not `slice`: that of a Buffer shares its bytes.
  const copy = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes)
  return new Int16Array(copy.buffer, copy.byteOffset, length)
}

/** The 44 bytes before mono 16-bit samples. Without `samples` it is the head of a stream of unknown length. */
export function wavHeader(sample_rate: number, samples?: number): Uint8Array {
  const header = Buffer.alloc(44)
  const bytes = samples === undefined ? unknownSize : samples * 2
  header.write('RIFF', 0)
  header.writeUInt32LE(samples === undefined ? unknownSize : bytes + 36, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(formats.pcm, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(sample_rate, 24)
  header.writeUInt32LE(sample_rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(bytes, 40)
  return header
}

/** A whole WAV file of mono 16-bit samples. */
export const writeWav = (pcm: Pcm, sample_rate: number): Uint8Array =>
  Buffer.concat([wavHeader(sample_rate, pcm.length), bytesOf(pcm)])

type Format = { code: number; channels: number; sample_rate: number; bits: number }

/** A WAV file whose samples are read when they are asked for. */
export type OpenWav = { sample_rate: number; length: number; read(from: number, to: number): Pcm }

/** The whole of a WAV file: see `openWav`. @throws AppError `speech.bad_audio` */
export function readWav(bytes: Uint8Array): Wav {
  const { sample_rate, length, read } = openWav(bytes)
  return { sample_rate, pcm: read(0, length) }
}

/**
 * Opens a WAV file of 8, 16, 24 or 32 bits or 32-bit floats; several channels are mixed into one. A data part that is
 * cut off, or of unknown length as in a stream, is read as far as it goes.
 * @throws AppError `speech.bad_audio`
 */
export function openWav(bytes: Uint8Array): OpenWav {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (
    view.length < 12 ||
    view.toString('latin1', 0, 4) !== 'RIFF' ||
    view.toString('latin1', 8, 12) !== 'WAVE'
  )
    throw badAudio('no_wav_header')
  let format: Format | null = null
  for (let at = 12; at + 8 <= view.length; ) {
    const id = view.toString('latin1', at, at + 4)
    const size = view.readUInt32LE(at + 4)
    const end = Math.min(view.length, at + 8 + size)
    const chunk = view.subarray(at + 8, end)
    if (id === 'fmt ') format = readFormat(chunk)
    if (id === 'data') {
      if (!format) throw badAudio('no_format')
      return openSamples(chunk, format)
    }
    at += 8 + size + (size % 2)
  }
  throw badAudio('no_sound')
}

function readFormat(chunk: Buffer): Format {
  if (chunk.length < 16) throw badAudio('format_cut_off')
  const code = chunk.readUInt16LE(0)
  const format = {
    code: code === formats.extensible && chunk.length >= 26 ? chunk.readUInt16LE(24) : code,
    channels: chunk.readUInt16LE(2),
    sample_rate: chunk.readUInt32LE(4),
    bits: chunk.readUInt16LE(14),
  }
  const isKnown =
    (format.code === formats.pcm && [8, 16, 24, 32].includes(format.bits)) ||
    (format.code === formats.float && format.bits === 32)
  if (!isKnown) throw badAudio('unknown_format')
  if (format.channels < 1 || format.channels > 8) throw badAudio('channels')
  if (format.sample_rate < 8000 || format.sample_rate > 96_000) throw badAudio('sample_rate')
  return format
}

function openSamples(data: Buffer, format: Format): OpenWav {
  const width = (format.bits / 8) * format.channels
  return {
    sample_rate: format.sample_rate,
    length: Math.floor(data.length / width),
    read: (from, to) => readSamples(data.subarray(from * width, to * width), format),
  }
}

function readSamples(data: Buffer, { code, channels, bits }: Format): Pcm {
  const width = bits / 8
  const length = Math.floor(data.length / (width * channels))
  if (bits === 16 && channels === 1) return pcmOf(data.subarray(0, length * 2)).slice()
  const read = sampleReader(data, code, bits)
  const pcm = new Int16Array(length)
  for (let i = 0; i < length; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) sum += read((i * channels + channel) * width)
    pcm[i] = Math.max(-32_768, Math.min(32_767, Math.round(sum / channels)))
  }
  return pcm
}

/** How one sample at a byte offset is read, in the range of 16 bits. */
function sampleReader(data: Buffer, code: number, bits: number): (at: number) => number {
  if (code === formats.float)
    return at => {
      const value = data.readFloatLE(at)
      return Number.isFinite(value) ? value * 32_768 : 0
    }
  if (bits === 8) return at => ((data[at] ?? 128) - 128) * 256
  if (bits === 16) return at => data.readInt16LE(at)
  if (bits === 24) return at => data.readIntLE(at, 3) / 256
  return at => data.readInt32LE(at) / 65_536
}
