import type { Log } from '#core/log.ts'
import type { Synthesis, SynthesisOptions } from '../types.ts'
import type { Failures } from './failures.ts'
import type { Limits } from './limits.ts'
import { createSound } from './sound.ts'
import { createTexts } from './texts.ts'

/** A service that is asked over HTTP for the sound of each text. */
export type RequestService = {
  failures: Failures
  limits: Limits
  log: Log
  /** Samples a second of what it answers with. */
  sample_rate: number
  /** A text in parts that one request may hold. */
  partsOf(text: string): readonly string[]
  /** Little-endian samples of a part, as they come. Throws what it likes. */
  request(part: string, signal: AbortSignal): AsyncIterable<Buffer>
}

/**
 * A synthesis by requests, one after another. A text of which nothing was heard yet is asked for once more when the
 * network breaks.
 */
export function openRequestSynthesis(service: RequestService, options: SynthesisOptions): Synthesis {
  const { failures, limits, log } = service
  const texts = createTexts()
  const cancel = new AbortController()
  const sound = createSound({ ...options, failures, limits, onLeave: () => cancel.abort() })
  const read = async (text: string) => {
    for (const part of service.partsOf(text)) {
      for await (const chunk of service.request(part, cancel.signal)) {
        texts.heard()
        if (!sound.write(chunk)) await sound.room()
      }
    }
  }
  const lose = (error: unknown) => {
    if (cancel.signal.aborted) return
    const failure = failures.from(error)
    log.info({ kind: failure.kind, reason: failure.message }, 'synthesis failed')
    if (failure.kind === 'network' && texts.giveBack()) advance()
    else sound.fail(failure.error)
  }
  const advance = () => {
    if (cancel.signal.aborted) return
    if (texts.isDone) return sound.end()
    const next = texts.take()
    if (!next) return
    sound.begin(next.index, service.sample_rate)
    read(next.text).then(() => {
      sound.finish()
      texts.spoken()
      advance()
    }, lose)
  }
  return {
    audio: sound.audio,
    write(text) {
      texts.add(text)
      advance()
    },
    end() {
      texts.end()
      advance()
    },
  }
}
