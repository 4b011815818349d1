import { type Characters, partialUsage } from './characters.ts'
import type { Tap } from './exchange.ts'
import { isRecord, openaiReader } from './openai-wire.ts'
import { createSseParser } from './sse-parser.ts'
import type { Delta, FinishReason, Usage } from './types.ts'
import { asFailure, failureOfEvent, UpstreamFailure } from './upstream-failure.ts'

/** What the tap learnt by the end of an answer. */
export type TapEnd = {
  usage: Usage | null
  finish_reason: FinishReason | null
  characters: Characters
  ended: 'done' | 'cut' | 'aborted'
  /** Set when `ended` is `cut`. */
  failure: UpstreamFailure | null
}

const lineFeed = 10
const carriageReturn = 13
const space = 32
const quote = 34
const openBracket = 91
const backslash = 92
const closeBracket = 93
const letterN = 110
const letterU = 117
const openBrace = 123

const usageKey = Buffer.from('"usage":')
const errorKey = Buffer.from('"error":')
const choicesKey = Buffer.from('"choices":')
/** Ends `"content":` and `"reasoning_content":` alike. */
const contentKey = Buffer.from('content":')
const otherKeys = [Buffer.from('arguments":'), Buffer.from('"reasoning":')]

/** More than this without an event boundary is no stream of completions. */
const maxHeldBytes = 4 * 1024 * 1024
/** The finish reason, the usage and `[DONE]` are among the last few blocks. */
const tailBlocks = 4

/**
 * Watches a streamed chat completion go by as bytes. Whole events are passed on in the very buffers they came in;
 * only an event that a packet cut in two is held until its rest is here, so the stream can always be ended, or an
 * error added, between two events. Nothing is parsed but the first events, the last few, and those with a usage.
 */
export class CompletionTap implements Tap {
  /** Resolves at the first delta; rejects with an UpstreamFailure if none comes. */
  readonly first: Promise<void>
  readonly completed: Promise<TapEnd>
  /** Set as soon as the answer is known to be broken: nothing more is passed on. */
  failure: UpstreamFailure | null = null
  readonly #stripUsage: boolean
  readonly #errorEvent: (failure: UpstreamFailure) => Buffer
  readonly #tail: (Buffer | null)[] = new Array(tailBlocks).fill(null)
  #tailAt = 0
  #resolveFirst: () => void = () => {}
  #rejectFirst: (failure: UpstreamFailure) => void = () => {}
  #complete: (end: TapEnd) => void = () => {}
  #held: Buffer | null = null
  #started = false
  #usageEvent: Buffer | null = null
  #narrow = 0
  #wide = 0

  /**
   * `stripUsage`: the client did not ask for the chunk that holds nothing but the usage. `errorEvent`: what a client
   * is told when the answer breaks.
   */
  constructor(options: { stripUsage: boolean; errorEvent: (failure: UpstreamFailure) => Buffer }) {
    this.#stripUsage = options.stripUsage
    this.#errorEvent = options.errorEvent
    this.first = new Promise((resolve, reject) => {
      this.#resolveFirst = resolve
      this.#rejectFirst = reject
    })
    this.first.catch(() => {})
    this.completed = new Promise(resolve => {
      this.#complete = resolve
    })
  }

  data(chunk: Buffer): Buffer | null {
    if (this.#held === null && endsEvent(chunk)) return this.#block(chunk)
    const joined = this.#held === null ? chunk : Buffer.concat([this.#held, chunk])
    const end = lastEventEnd(joined)
    this.#held = end < joined.length ? joined.subarray(end) : null
    if (this.#held !== null && this.#held.length > maxHeldBytes) {
      this.#fail(new UpstreamFailure('malformed', 'an event is too large'))
      return null
    }
    return end === 0 ? null : this.#block(joined.subarray(0, end))
  }

  end(error: Error | null): Buffer | null {
    const { usage, finish_reason, done } = this.#readTail()
    if (this.failure === null && !done) {
      this.#fail(error === null ? new UpstreamFailure('network', 'the answer was cut') : asFailure(error))
    }
    this.#finish(this.failure === null ? 'done' : 'cut', usage, finish_reason)
    return this.failure === null ? null : this.#errorEvent(this.failure)
  }

  abandoned(): void {
    const { usage, finish_reason } = this.#readTail()
    this.#rejectFirst(new UpstreamFailure('network', 'given up'))
    this.#finish('aborted', usage, finish_reason)
  }

  #finish(ended: TapEnd['ended'], usage: Usage | null, finish_reason: FinishReason | null) {
    const characters = { narrow: this.#narrow, wide: this.#wide }
    this.#complete({
      usage: usage && ended !== 'done' ? partialUsage(usage, characters) : usage,
      finish_reason,
      characters,
      ended,
      failure: this.failure,
    })
  }

  #fail(failure: UpstreamFailure) {
    this.failure = failure
    this.#rejectFirst(failure)
  }

  /** One or more whole events. */
  #block(block: Buffer): Buffer | null {
    const counted = this.#countCharacters(block)
    this.#tail[this.#tailAt++ % tailBlocks] = block
    if (!this.#started && !this.#start(block) && this.failure !== null) return null
    const errorAt = block.indexOf(errorKey, counted)
    const sound = errorAt < 0 ? block : this.#beforeError(block, errorAt)
    const usageAt = sound.indexOf(usageKey)
    return usageAt < 0 ? sound : this.#withUsage(sound, usageAt)
  }

  /** Reads the first events in full: what they say decides whether this provider serves the answer. */
  #start(block: Buffer): boolean {
    try {
      const deltas = readEvents([block])
      if (deltas.length === 0) return false
      this.#started = true
      this.#resolveFirst()
      return true
    } catch (error) {
      this.#fail(asFailure(error))
      return false
    }
  }

  /** What stands before an error event; the whole block when it is none. A provider's own words go no further. */
  #beforeError(block: Buffer, at: number): Buffer {
    const { event, start } = eventAround(block, at)
    const value: unknown = parseEvent(event)
    if (!isRecord(value) || value.error === undefined || value.error === null) return block
    this.#fail(failureOfEvent(value.error))
    return block.subarray(0, start)
  }

  /** Keeps the last event that has a usage, and takes it out if it has nothing else and is not wanted. */
  #withUsage(block: Buffer, firstAt: number): Buffer | null {
    let rest = block
    for (let at = firstAt; at >= 0; at = rest.indexOf(usageKey, at)) {
      const value = valueAt(rest, at + usageKey.length)
      at += usageKey.length
      // OpenAI puts `"usage":null` into every other chunk.
      if (rest[value] !== openBrace) continue
      const { event, start, end } = eventAround(rest, at)
      this.#usageEvent = event
      if (!this.#stripUsage || !hasNoChoices(event)) continue
      rest =
        start === 0 && end === rest.length
          ? empty
          : Buffer.concat([rest.subarray(0, start), rest.subarray(end)])
      at = start
    }
    return rest.length === 0 ? null : rest
  }

  #readTail(): { usage: Usage | null; finish_reason: FinishReason | null; done: boolean } {
    const blocks = [
      ...this.#tail.slice(this.#tailAt % tailBlocks),
      ...this.#tail.slice(0, this.#tailAt % tailBlocks),
    ]
    const given = [this.#usageEvent, ...blocks].filter(block => block !== null)
    let usage: Usage | null = null
    let finish_reason: FinishReason | null = null
    let done = false
    const reader = openaiReader()
    const parser = createSseParser(data => {
      for (const delta of reader.read(data, '')) if (delta.type === 'finish') finish_reason ??= delta.reason
      usage = reader.usage()
      done = reader.finished
    })
    try {
      for (const block of given) parser.push(block)
    } catch (error) {
      if (this.failure === null) this.#fail(asFailure(error))
    }
    return { usage, finish_reason, done }
  }

  /**
   * Counts the characters of every text, reasoning and tool argument in a block, without decoding: each escape and
   * each UTF-8 sequence is one. Returns where the last of them ends.
   */
  #countCharacters(block: Buffer): number {
    let last = this.#countAfter(block, contentKey)
    if (last > 0) return last
    for (const key of otherKeys) last = Math.max(last, this.#countAfter(block, key))
    return last
  }

  #countAfter(block: Buffer, key: Buffer): number {
    let last = 0
    for (let at = block.indexOf(key); at >= 0; at = block.indexOf(key, at)) {
      at = valueAt(block, at + key.length)
      if (block[at] !== quote) continue
      const start = ++at
      let byte = block[at]
      while (byte !== quote && byte !== undefined) {
        if (byte === backslash) {
          const escaped = block[at + 1]
          at += escaped === letterU ? 6 : 2
          if (escaped === letterU) this.#wide++
          else this.#narrow++
        } else {
          if (byte < 0x80) this.#narrow++
          else if (byte >= 0xc0) this.#wide++
          at++
        }
        byte = block[at]
      }
      if (at > start) last = at
    }
    return last
  }
}

const empty = Buffer.alloc(0)

/** Whether a chunk ends with a blank line: LF LF, or CR LF CR LF. */
function endsEvent(chunk: Buffer): boolean {
  const n = chunk.length
  if (n < 2 || chunk[n - 1] !== lineFeed) return false
  return chunk[n - 2] === lineFeed || (n > 3 && chunk[n - 2] === carriageReturn && chunk[n - 3] === lineFeed)
}

/** Where the last whole event of some bytes ends; 0 when there is none. */
function lastEventEnd(bytes: Buffer): number {
  for (let at = bytes.lastIndexOf(lineFeed); at > 0; at = bytes.lastIndexOf(lineFeed, at - 1))
    if (bytes[at - 1] === lineFeed || (bytes[at - 1] === carriageReturn && bytes[at - 2] === lineFeed))
      return at + 1
  return 0
}

/** The event of a block of whole events that a position lies in. */
function eventAround(block: Buffer, at: number): { event: Buffer; start: number; end: number } {
  const start = lastEventEnd(block.subarray(0, at))
  let end = block.length
  for (let feed = block.indexOf(lineFeed, at); feed >= 0; feed = block.indexOf(lineFeed, feed + 1)) {
    const next = block[feed + 1] === carriageReturn ? feed + 2 : feed + 1
    if (block[next] !== lineFeed) continue
    end = next + 1
    break
  }
  return { event: block.subarray(start, end), start, end }
}

/** Where a value begins that may have spaces before it. */
function valueAt(block: Buffer, from: number): number {
  let at = from
  while (block[at] === space) at++
  return at
}

/** `"choices":[]` or `"choices":null`, or no choices at all. */
function hasNoChoices(event: Buffer): boolean {
  const key = event.indexOf(choicesKey)
  if (key < 0) return true
  let at = valueAt(event, key + choicesKey.length)
  if (event[at] === letterN) return true
  if (event[at] !== openBracket) return false
  do at++
  while (event[at] === space)
  return event[at] === closeBracket
}

function readEvents(blocks: readonly Buffer[]): Delta[] {
  const deltas: Delta[] = []
  const reader = openaiReader()
  const parser = createSseParser(data => deltas.push(...reader.read(data, '')))
  for (const block of blocks) parser.push(block)
  return deltas
}

function parseEvent(event: Buffer): unknown {
  let value: unknown = null
  createSseParser(data => {
    try {
      value = JSON.parse(data)
    } catch {
      // Not an error event, then; what it is shows at the end.
    }
  }).push(event)
  return value
}
