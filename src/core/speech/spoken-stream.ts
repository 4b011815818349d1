import { createOggWriter } from './ogg.ts'
import { createOpusEncoder } from './opus.ts'
import { joinPcm } from './resample.ts'
import { splitSentences } from './sentences.ts'
import type { Pcm, SynthesisOptions, Synthesizer } from './types.ts'
import { bytesOf, wavHeader } from './wav.ts'

/** Samples a second of what is spoken. */
export const spokenRate = 24_000
const frame_ms = 60

export type SpokenFormat = 'wav' | 'ogg'

/**
 * A text as sound, as it is made: the first piece comes when the first sentence begins to be spoken. Markdown, code and
 * addresses in it are not spoken.
 * @throws AppError `speech.*`; the signal's reason
 */
export async function* speakText(
  synthesizer: Synthesizer,
  text: string,
  options: Omit<SynthesisOptions, 'sample_rate'> & { format: SpokenFormat },
): AsyncGenerator<Uint8Array> {
  const synthesis = synthesizer.open({ ...options, sample_rate: spokenRate })
  for (const sentence of splitSentences(text)) if (sentence.text !== '') synthesis.write(sentence.text)
  synthesis.end()
  yield* options.format === 'wav' ? asWav(synthesis.audio) : asOgg(synthesis.audio)
}

type Audio = AsyncIterable<{ pcm: Pcm }>

async function* asWav(audio: Audio): AsyncGenerator<Uint8Array> {
  let isFirst = true
  for await (const { pcm } of audio) {
    // With the first sound, so that a failure before it can still be told as an error.
    yield isFirst ? Buffer.concat([wavHeader(spokenRate), bytesOf(pcm)]) : bytesOf(pcm)
    isFirst = false
  }
  if (isFirst) yield wavHeader(spokenRate, 0)
}

async function* asOgg(audio: Audio): AsyncGenerator<Uint8Array> {
  const encoder = await createOpusEncoder({ sample_rate: spokenRate, frame_ms })
  const writer = createOggWriter({ sample_rate: spokenRate, frame_ms })
  let rest: Pcm = new Int16Array(0)
  let head: Uint8Array = writer.header()
  const withHead = (page: Uint8Array) => {
    const whole = Buffer.concat([head, page])
    head = new Uint8Array(0)
    return whole
  }
  try {
    for await (const { pcm } of audio) {
      rest = joinPcm([rest, pcm])
      // One frame is kept back: the last page says that it is the last.
      while (rest.length > encoder.frame_size) {
        yield withHead(writer.page(encoder.encode(rest.slice(0, encoder.frame_size)), false))
        rest = rest.subarray(encoder.frame_size)
      }
    }
    const last = new Int16Array(encoder.frame_size)
    last.set(rest)
    yield withHead(writer.page(encoder.encode(last), true))
  } finally {
    encoder.free()
  }
}
