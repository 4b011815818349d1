import type { Position } from './backend.ts'

export type RealtimeMessage = { /** `epoch:offset` */ id: string; data: object }

/** Messages of a channel that travel together. Each form is built once, however many subscribers it goes to. */
export type Batch = {
  epoch: string
  /** Offset of the first message. */
  first: number
  items: readonly string[]
  /** A whole WebSocket frame, ready for the socket. */
  readonly webSocketFrame: Buffer
  readonly serverSentEvents: Buffer
  /** As `webSocketFrame`, as the data of one event: for a stream of several channels. */
  readonly frameEvent: Buffer
  readonly messages: readonly RealtimeMessage[]
}

/** `position` is that of the first item. */
export function createBatch(channel: string, { epoch, offset }: Position, items: readonly string[]): Batch {
  let frame: Buffer | undefined
  let events: Buffer | undefined
  let event: Buffer | undefined
  let messages: RealtimeMessage[] | undefined
  const id = (index: number) => `${epoch}:${offset + index}`
  const frameText = () =>
    `{"type":"messages","channel":${JSON.stringify(channel)},"items":[${items
      .map((json, i) => `{"id":"${id(i)}","data":${json}}`)
      .join(',')}]}`
  return {
    epoch,
    first: offset,
    items,
    get webSocketFrame() {
      frame ??= textFrame(frameText())
      return frame
    },
    get frameEvent() {
      event ??= Buffer.from(`data: ${frameText()}\n\n`)
      return event
    },
    get serverSentEvents() {
      events ??= Buffer.from(items.map((json, i) => `id: ${id(i)}\ndata: ${json}\n\n`).join(''))
      return events
    },
    get messages() {
      messages ??= items.map((json, i) => ({ id: id(i), data: JSON.parse(json) as object }))
      return messages
    },
  }
}

/** An unmasked, unfragmented text frame as servers send it (RFC 6455, section 5.2). */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = 0x81
  if (header === 2) frame[1] = length
  else if (header === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, header)
  return frame
}
