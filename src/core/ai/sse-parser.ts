/** Thrown when one event grows past the limit: no provider sends such a thing. */
export class SseTooLarge extends Error {
  override name = 'SseTooLarge'
}

const lineFeed = 10
const carriageReturn = 13
const maxEventBytes = 8 * 1024 * 1024

export type SseParser = {
  /** Reads more bytes of the stream, cut anywhere, even inside a character. */
  push(chunk: Uint8Array): void
}

/**
 * An incremental reader of server-sent events (WHATWG HTML § 9.2.6): calls `onEvent` once per whole event that has
 * data. Only whole lines are decoded, so a cut inside a UTF-8 sequence needs no care. What has not been closed by a
 * blank line when the stream ends is dropped, as the standard says.
 */
export function createSseParser(onEvent: (data: string, event: string) => void): SseParser {
  let carry: Buffer[] = []
  let carried = 0
  let atStart = true
  let data: string | null = null
  let event = ''

  const readLine = (line: string) => {
    if (line === '') {
      const [whole, name] = [data, event]
      data = null
      event = ''
      if (whole !== null) onEvent(whole, name)
    } else if (line.startsWith('data:')) {
      const value = line.slice(line.charCodeAt(5) === 32 ? 6 : 5)
      data = data === null ? value : `${data}\n${value}`
      if (data.length > maxEventBytes) throw new SseTooLarge('An event is too large')
    } else if (line.startsWith('event:')) {
      event = line.slice(line.charCodeAt(6) === 32 ? 7 : 6)
    } else if (line === 'data') {
      data = data === null ? '' : `${data}\n`
    }
  }

  const readLines = (block: Buffer) => {
    let text = block.toString('utf8')
    if (atStart) {
      atStart = false
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    }
    if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n')
    let from = 0
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      readLine(text.slice(from, to))
      from = to + 1
    }
  }

  return {
    push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const end = endOfLines(chunk)
      if (end === 0) {
        if (chunk.length > 0) carry.push(chunk)
        carried += chunk.length
        if (carried > maxEventBytes) throw new SseTooLarge('A line is too large')
        return
      }
      // A carriage return left at the end of the carry closes its line when anything but a line feed follows.
      const block =
        carry.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...carry, chunk.subarray(0, end)])
      carry = end < chunk.length ? [chunk.subarray(end)] : []
      carried = chunk.length - end
      readLines(block)
    },
  }
}

/**
 * Where the whole lines of a chunk end. A carriage return as the very last byte stays behind: a line feed may
 * belong to it.
 */
function endOfLines(chunk: Buffer): number {
  const feed = chunk.lastIndexOf(lineFeed)
  if (feed === chunk.length - 1) return chunk.length
  const back = chunk.length > 1 ? chunk.lastIndexOf(carriageReturn, chunk.length - 2) : -1
  return Math.max(feed, back) + 1
}
