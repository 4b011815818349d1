/** One value of a JSON file: under a key of the outermost object, or of the outermost array (key null). */
export type JsonPart = {
  key: string | null
  /** Its JSON; null when it was longer than allowed. */
  json: string | null
}

/** The file is not JSON at its outer levels, or ends too early. What came before has been given out. */
export class JsonBroken extends Error {
  override name = 'JsonBroken'
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const [openArray, closeArray, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d] as const
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** What may come next, outside of a part. `inner` is an array under a key of the outermost object. */
type Expect =
  | 'start'
  | 'first_key'
  | 'key'
  | 'colon'
  | 'value'
  | 'first_item'
  | 'item'
  | 'after_value'
  | 'after_item'
  | 'end'

/**
 * Takes a large JSON file apart while it arrives, so that no more than one part is in memory: the elements of the
 * outermost array, or the values of the outermost object, arrays among them by their elements. Only the outer levels
 * are checked; a part may turn out not to parse.
 * @throws JsonBroken
 */
export async function* jsonParts(
  chunks: AsyncIterable<Uint8Array>,
  { max_part }: { max_part: number },
): AsyncGenerator<JsonPart> {
  const splitter = createSplitter(max_part)
  for await (const chunk of chunks) yield* splitter.take(chunk)
  splitter.end()
}

function createSplitter(maxPart: number) {
  let expect: Expect = 'start'
  let isObject = false
  let key: string | null = null
  /** Inside an array under a key. */
  let isInner = false
  let isReadingKey = false

  // The part that is being read.
  let isReading = false
  let pieces: Uint8Array[] = []
  let size = 0
  let depth = 0
  let isString = false
  let isEscaped = false
  let isScalar = false

  const broken = () => new JsonBroken(`Something else than ${expect} was found`)

  function begin(byte: number) {
    isReading = true
    pieces = []
    size = 0
    depth = byte === openArray || byte === openObject ? 1 : 0
    isString = byte === quote
    isScalar = depth === 0 && !isString
    isEscaped = false
  }

  function keep(piece: Uint8Array) {
    size += piece.length
    // A part that is too long is read to its end, and forgotten.
    if (size > maxPart) pieces = []
    else if (piece.length > 0) pieces.push(piece.slice())
  }

  function finish(): JsonPart | null {
    const json = size > maxPart ? null : decode(pieces)
    pieces = []
    isReading = false
    if (isReadingKey) {
      isReadingKey = false
      key = parseKey(json)
      expect = 'colon'
      return null
    }
    expect = isInner || !isObject ? 'after_item' : 'after_value'
    return { key, json }
  }

  /** One byte of the part. Whether the part ends with it, before it, or goes on. */
  function inside(byte: number): 'goes_on' | 'ends_with' | 'ends_before' {
    if (isString) {
      if (isEscaped) isEscaped = false
      else if (byte === backslash) isEscaped = true
      else if (byte === quote) {
        isString = false
        if (depth === 0) return 'ends_with'
      }
      return 'goes_on'
    }
    if (isScalar) {
      const ends = byte === comma || byte === closeArray || byte === closeObject || isSpace(byte)
      return ends ? 'ends_before' : 'goes_on'
    }
    if (byte === quote) isString = true
    else if (byte === openArray || byte === openObject) depth++
    else if (byte === closeArray || byte === closeObject) {
      depth--
      if (depth === 0) return 'ends_with'
    }
    return 'goes_on'
  }

  /** One byte between parts. True when a part begins with it. */
  function between(byte: number): boolean {
    if (isSpace(byte)) return false
    switch (expect) {
      case 'start':
        if (byte !== openArray && byte !== openObject) throw broken()
        isObject = byte === openObject
        expect = isObject ? 'first_key' : 'first_item'
        return false
      case 'first_key':
      case 'key':
        if (byte === closeObject && expect === 'first_key') expect = 'end'
        else if (byte === quote) {
          isReadingKey = true
          return true
        } else throw broken()
        return false
      case 'colon':
        if (byte !== colon) throw broken()
        expect = 'value'
        return false
      case 'value':
        if (byte !== openArray) return true
        isInner = true
        expect = 'first_item'
        return false
      case 'first_item':
      case 'item':
        if (byte === closeArray && expect === 'first_item') closeItems()
        else return true
        return false
      case 'after_item':
        if (byte === comma) expect = 'item'
        else if (byte === closeArray) closeItems()
        else throw broken()
        return false
      case 'after_value':
        if (byte === comma) expect = 'key'
        else if (byte === closeObject) expect = 'end'
        else throw broken()
        return false
      default:
        throw broken()
    }
  }

  function closeItems() {
    expect = isInner ? 'after_value' : 'end'
    isInner = false
  }

  return {
    *take(given: Uint8Array): Generator<JsonPart> {
      const chunk = expect === 'start' ? withoutMark(given) : given
      let start = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] as number
        if (!isReading) {
          if (!between(byte)) continue
          begin(byte)
          start = at
          continue
        }
        const step = inside(byte)
        if (step === 'goes_on') continue
        keep(chunk.subarray(start, step === 'ends_with' ? at + 1 : at))
        const part = finish()
        if (part) yield part
        if (step === 'ends_before') between(byte)
      }
      if (isReading) keep(chunk.subarray(start))
    },
    end() {
      if (expect !== 'end' || isReading) throw new JsonBroken('The file ends too early')
    },
  }
}

/** Windows programs begin UTF-8 with a byte order mark. */
const withoutMark = (chunk: Uint8Array): Uint8Array =>
  chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? chunk.subarray(3) : chunk

const decode = (pieces: readonly Uint8Array[]): string => Buffer.concat(pieces).toString('utf8')

function parseKey(json: string | null): string {
  try {
    return String(JSON.parse(json ?? ''))
  } catch {
    throw new JsonBroken('A key is not a string')
  }
}
