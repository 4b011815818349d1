export type RealtimeItem<T = unknown> = { /** `epoch:offset` */ id: string; data: T }

/** What the server says, over either way. */
export type Frame =
  | { type: 'subscribed'; channel: string; position: string; recovered: boolean }
  | { type: 'messages'; channel: string; items: RealtimeItem[] }
  | { type: 'error'; channel?: string; code: string; detail: string }

/** The server turns the whole connection away, and closes it next. */
export function isRefusal(text: unknown): boolean {
  const frame = parse(text)
  return frame?.type === 'error' && frame.channel === undefined
}

/** Null for what is no frame, or none for us. */
export function parse(text: unknown): Frame | null {
  if (typeof text !== 'string') return null
  try {
    const frame: unknown = JSON.parse(text)
    if (typeof frame !== 'object' || frame === null || !('type' in frame)) return null
    return frame.type === 'subscribed' || frame.type === 'messages' || frame.type === 'error'
      ? (frame as Frame)
      : null
  } catch {
    return null
  }
}
