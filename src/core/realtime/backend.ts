/** Where a channel stands: `epoch:offset` on the wire. Offsets count up by one within an epoch; epochs have no order. */
export type Position = { epoch: string; offset: number }

export type Snapshot = Position & {
  /** Whether everything after the position asked for is in `items`. True when none was asked for. */
  recovered: boolean
  /** JSON texts, oldest first; the last one stands at `offset`. */
  items: readonly string[]
}

export type BackendListener = {
  /** A message of a watched channel; may come late, twice or not at all, the hub sorts that out by the offset. */
  onMessage(channel: string, position: Position, json: string): void
  /** Messages of watched channels may have been missed. */
  onDoubt(): void
  onTold(json: string): void
}

/** Numbers the messages, keeps the newest of each channel, and carries them between processes. Never rejects. */
export type Backend = {
  publish(channel: string, json: string): Promise<void>
  /** Once it resolves, `onMessage` is called for every message published from then on. */
  watch(channel: string): Promise<void>
  unwatch(channel: string): Promise<void>
  read(channel: string, after: Position | null): Promise<Snapshot>
  /** A word to the hubs of all processes, this one included. */
  tell(json: string): Promise<void>
  listen(listener: BackendListener): void
}

/** What is kept of a channel for those who come back, whichever is reached first. */
export const ring = { messages: 1000, bytes: 512 * 1024, idle_ms: 15 * 60_000 }

const form = /^([\w-]{1,32}):(\d{1,15})$/

export const formatPosition = ({ epoch, offset }: Position): string => `${epoch}:${offset}`

/** Null for what is not a position; whoever sent it cannot be recovered then. */
export function parsePosition(text: string): Position | null {
  const match = form.exec(text)
  return match?.[1] ? { epoch: match[1], offset: Number(match[2]) } : null
}
