import type { Attachment, ConversationEvent, Message, Page } from '#api/types.ts'

/** Why a question did not reach the server, as far as the person can do something about it. */
export type SendFailure = { code: string; status: number; detail: string }

/** A question on its way. It keeps its id over every resend, so that the server never answers it twice. */
export type Pending = {
  client_message_id: string
  content: string
  attachments: Attachment[]
  /** Absent: under the newest message; null: a new first question. */
  parent_id?: string | null
  model?: string
  created_at: string
  failure: SendFailure | null
}

export type Delta = Extract<ConversationEvent, { type: 'message.delta' }>

/** The branch of a conversation that is shown, as far as it has been read. */
export type Thread = {
  /** Oldest first. */
  messages: readonly Message[]
  /** Cursor of what comes before; null at the beginning. */
  older: string | null
  pending: readonly Pending[]
  /** Pieces that came after a gap, by message; each of these messages must be read again. */
  waiting: Readonly<Record<string, readonly Delta[]>>
  /** The newest page must be read again. */
  isStale: boolean
  /** The id under which a question was sent, by its real id: what is on the screen keeps its identity. */
  keys: Readonly<Record<string, string>>
}

export type ThreadAction =
  | ConversationEvent
  | { type: 'newest.read'; page: Page<Message> }
  | { type: 'older.read'; page: Page<Message> }
  | { type: 'message.read'; message: Message }
  | { type: 'send.begun'; pending: Pending }
  | { type: 'send.failed'; client_message_id: string; failure: SendFailure }
  | { type: 'send.dropped'; client_message_id: string }
  | { type: 'send.done'; client_message_id: string; user_message: Message; assistant_message: Message }

/** Pieces kept per message while it is read again. More would only come if reading fails for long. */
const maxWaiting = 500

export const emptyThread = (pending: readonly Pending[] = []): Thread => ({
  messages: [],
  older: null,
  pending,
  waiting: {},
  isStale: false,
  keys: {},
})

/** What a thread becomes by what was read, sent or heard live, in whatever order these arrive. */
export function reduceThread(thread: Thread, action: ThreadAction): Thread {
  switch (action.type) {
    case 'message.delta':
      return applyDelta(thread, action)
    case 'message.created':
      return created(thread, action.message)
    case 'message.completed':
      return completed(thread, action.message)
    case 'message.read':
      return read(thread, action.message)
    case 'conversation.updated':
      return leafMoved(thread, action.conversation.current_message_id)
    case 'newest.read':
      return newestRead(thread, action.page)
    case 'older.read':
      return olderRead(thread, action.page)
    case 'send.begun': {
      const others = thread.pending.filter(
        each => each.client_message_id !== action.pending.client_message_id,
      )
      return { ...thread, pending: [...others, action.pending] }
    }
    case 'send.failed':
      return {
        ...thread,
        pending: thread.pending.map(each =>
          each.client_message_id === action.client_message_id ? { ...each, failure: action.failure } : each,
        ),
      }
    case 'send.dropped':
      return without(thread, action.client_message_id)
    case 'send.done':
      return sent(thread, action)
  }
}

/** What is to be shown: an edited question stands in the place of what followed its parent. */
export function shownMessages(thread: Thread): readonly Message[] {
  const edit = thread.pending.find(each => each.parent_id !== undefined)
  if (!edit) return thread.messages
  if (edit.parent_id === null) return []
  const at = thread.messages.findIndex(message => message.id === edit.parent_id)
  return at === -1 ? thread.messages : thread.messages.slice(0, at + 1)
}

/**
 * A text with a piece that begins at `offset` (UTF-16 units): appended, or what of it is new. Null when text between
 * the two is missing.
 */
export function joinPiece(text: string, offset: number, piece: string): string | null {
  if (offset > text.length) return null
  const fresh = piece.slice(text.length - offset)
  return fresh === '' ? text : text + fresh
}

function applyDelta(thread: Thread, delta: Delta): Thread {
  const at = thread.messages.findLastIndex(message => message.id === delta.message_id)
  const message = thread.messages[at]
  // It belongs to a branch that is not shown.
  if (!message) return thread
  const held = thread.waiting[message.id]
  if (held) {
    const waiting = { ...thread.waiting, [message.id]: [...held, delta].slice(-maxWaiting) }
    return { ...thread, waiting }
  }
  const joined = joinDelta(message, delta)
  if (joined === null) return { ...thread, waiting: { ...thread.waiting, [message.id]: [delta] } }
  return joined === message ? thread : { ...thread, messages: thread.messages.with(at, joined) }
}

/** Null over a gap; a message that has ended takes nothing new without being read again. */
function joinDelta(message: Message, delta: Delta): Message | null {
  const content = joinPiece(message.content, delta.content_offset, delta.content ?? '')
  const before = message.reasoning ?? ''
  const reasoning = joinPiece(before, delta.reasoning_offset, delta.reasoning ?? '')
  if (content === null || reasoning === null) return null
  if (content === message.content && reasoning === before) return message
  if (message.status !== 'streaming') return null
  return { ...message, content, reasoning: reasoning === '' ? message.reasoning : reasoning }
}

/** A message that is new, or (by “continue”) being written again. Live news come in order: this one is the newest. */
function created(thread: Thread, message: Message): Thread {
  const at = thread.messages.findLastIndex(each => each.id === message.id)
  const known = thread.messages[at]
  if (known) {
    const isBehind = known.status === 'streaming' && known.content.length > message.content.length
    return isBehind ? thread : { ...thread, messages: thread.messages.with(at, message) }
  }
  const own =
    message.role === 'user'
      ? thread.pending.find(each => each.failure === null && each.content === message.content)
      : undefined
  const settled = own ? settle(thread, own.client_message_id, message.id) : thread
  return grow(settled, message)
}

/** Puts a new message under its parent; what followed the parent belongs to another branch now. */
function grow(thread: Thread, message: Message): Thread {
  if (message.parent_id === null) return { ...thread, messages: [message], older: null, waiting: {} }
  const parent = thread.messages.findLastIndex(each => each.id === message.parent_id)
  if (parent === -1) return { ...thread, isStale: true }
  return { ...thread, messages: [...thread.messages.slice(0, parent + 1), message] }
}

function completed(thread: Thread, message: Message): Thread {
  const { [message.id]: _, ...waiting } = thread.waiting
  const at = thread.messages.findLastIndex(each => each.id === message.id)
  if (at !== -1) return { ...thread, waiting, messages: thread.messages.with(at, message) }
  return thread.messages.at(-1)?.id === message.parent_id ? grow(thread, message) : thread
}

/** A message as it was when it was read, which may be older than what is known already. */
function read(thread: Thread, message: Message): Thread {
  const at = thread.messages.findLastIndex(each => each.id === message.id)
  const known = thread.messages[at]
  const { [message.id]: held = [], ...waiting } = thread.waiting
  if (!known) return { ...thread, waiting }
  const base = { ...thread, waiting, messages: thread.messages.with(at, newer(known, message)) }
  return held.reduce(applyDelta, base)
}

/** Which of two states of one message is the later; `incoming` was read at an unknown time. */
function newer(known: Message, incoming: Message): Message {
  if (incoming.status !== 'streaming') return incoming
  const length = (message: Message) => message.content.length + (message.reasoning?.length ?? 0)
  if (known.status === 'streaming') return length(known) > length(incoming) ? known : incoming
  // Only what was cut off is ever written on.
  const isFinal = known.status === 'done' && known.finish_reason !== 'length'
  return isFinal || length(known) > length(incoming) ? known : incoming
}

function leafMoved(thread: Thread, leaf: string | null): Thread {
  if (leaf === null || thread.messages.at(-1)?.id === leaf) return thread
  return { ...thread, isStale: true }
}

function newestRead(thread: Thread, page: Page<Message>): Thread {
  const known = new Map(thread.messages.map(message => [message.id, message]))
  const items = page.items.toReversed().map(message => {
    const before = known.get(message.id)
    return before ? newer(before, message) : message
  })
  // The leaf that is shown has no answer: a page whose newest message has one in the thread is of an earlier time.
  const newest = items.at(-1)
  const tail = newest
    ? thread.messages.slice(thread.messages.findIndex(message => message.parent_id === newest.id))
    : thread.messages
  const followers = !newest || tail[0]?.parent_id === newest.id ? tail : []
  const first = items[0]
  const parent = first ? thread.messages.findIndex(message => message.id === first.parent_id) : -1
  const keepsOlder = parent !== -1
  return {
    ...thread,
    messages: [...(keepsOlder ? thread.messages.slice(0, parent + 1) : []), ...items, ...followers],
    older: keepsOlder || !newest ? thread.older : page.next_cursor,
    waiting: {},
    isStale: false,
  }
}

function olderRead(thread: Thread, page: Page<Message>): Thread {
  const items = page.items.toReversed()
  // The branch was switched while the page was on its way.
  if (items.length > 0 && items.at(-1)?.id !== thread.messages[0]?.parent_id) return thread
  return { ...thread, messages: [...items, ...thread.messages], older: page.next_cursor }
}

function sent(thread: Thread, action: Extract<ThreadAction, { type: 'send.done' }>): Thread {
  const settled = settle(thread, action.client_message_id, action.user_message.id)
  return [action.user_message, action.assistant_message].reduce((next, message) => {
    const isKnown = next.messages.some(each => each.id === message.id)
    return isKnown ? read(next, message) : grow(next, message)
  }, settled)
}

function settle(thread: Thread, clientId: string, messageId: string): Thread {
  return { ...without(thread, clientId), keys: { ...thread.keys, [messageId]: clientId } }
}

function without(thread: Thread, clientId: string): Thread {
  return { ...thread, pending: thread.pending.filter(each => each.client_message_id !== clientId) }
}
