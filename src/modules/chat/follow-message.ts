import type { Realtime } from '#core/realtime/realtime.ts'
import type { Piece } from './answer-writer.ts'
import type { Message } from './contract.ts'
import { type ConversationNews, conversationChannel, type MessageDelta } from './live.ts'
import { sliceFrom } from './text-stream.ts'

/** How far a reader has come, in UTF-16 units. */
export type TextPosition = { content: number; reasoning: number }

export type FollowStep = ({ type: 'delta' } & Piece) | { type: 'done'; message: Message }

/** Live updates that may wait for a slow reader. Past that they are dropped, and the reader reads the row again. */
const maxWaiting = 1000
/** Milliseconds after which a reader to whom nothing is said looks for itself. */
const silence = 10_000
/** The same while text is known to exist that is not stored yet. */
const gapPause = 100

/**
 * A message's text from a position on, to its end: what is stored first, then what is published, each unit once.
 * It subscribes before it reads, so nothing falls between the two. Where offsets leave a gap (the writer is another
 * process, updates were lost, the reader was slow) it reads the row again, which the writer keeps at most a quarter
 * of a second behind. `read` gives the newest known state of the message.
 */
export async function* followMessage(options: {
  realtime: Realtime
  read: () => Promise<Message>
  conversation_id: string
  message_id: string
  from: TextPosition
  signal: AbortSignal
}): AsyncGenerator<FollowStep> {
  const { signal } = options
  const inbox = createInbox(options.message_id, signal)
  const subscription = await options.realtime.subscribe(
    conversationChannel(options.conversation_id),
    {},
    message => inbox.put(message.data as ConversationNews),
  )
  try {
    const at = { ...options.from }
    let known = at
    while (!signal.aborted) {
      const message = await options.read()
      const piece = rest(message, at)
      if (piece) yield { type: 'delta', ...piece }
      if (message.status !== 'streaming') {
        yield { type: 'done', message }
        return
      }
      for (;;) {
        const news = await inbox.next(isBehind(at, known) ? gapPause : silence)
        if (news?.type !== 'message.delta') break
        known = endOf(news)
        if (isBehind(at, startOf(news))) break
        const piece = newIn(news, at)
        if (piece) yield { type: 'delta', ...piece }
      }
    }
  } finally {
    await subscription.close()
  }
}

const isBehind = (at: TextPosition, other: TextPosition): boolean =>
  at.content < other.content || at.reasoning < other.reasoning

const startOf = (delta: MessageDelta): TextPosition => ({
  content: delta.content_offset,
  reasoning: delta.reasoning_offset,
})

const endOf = (delta: MessageDelta): TextPosition => ({
  content: delta.content_offset + (delta.content?.length ?? 0),
  reasoning: delta.reasoning_offset + (delta.reasoning?.length ?? 0),
})

/** What of a whole text lies after a position, which moves to its end. */
function rest(message: Message, at: TextPosition): Piece | null {
  const content = sliceFrom(message.content, at.content)
  const reasoning = sliceFrom(message.reasoning ?? '', at.reasoning)
  at.content = Math.max(at.content, content.offset + content.text.length)
  at.reasoning = Math.max(at.reasoning, reasoning.offset + reasoning.text.length)
  if (content.text === '' && reasoning.text === '') return null
  return {
    content_offset: content.offset,
    content: content.text,
    reasoning_offset: reasoning.offset,
    reasoning: reasoning.text,
  }
}

/** What of a published piece lies after a position, which moves to its end. */
function newIn(delta: MessageDelta, at: TextPosition): Piece | null {
  const content = (delta.content ?? '').slice(at.content - delta.content_offset)
  const reasoning = (delta.reasoning ?? '').slice(at.reasoning - delta.reasoning_offset)
  if (content === '' && reasoning === '') return null
  const piece = { content_offset: at.content, content, reasoning_offset: at.reasoning, reasoning }
  at.content += content.length
  at.reasoning += reasoning.length
  return piece
}

/** What is said of one message, in order, for a reader that takes it piece by piece. */
function createInbox(messageId: string, signal: AbortSignal) {
  let waiting: (MessageDelta | { type: 'message.completed' })[] = []
  let wake = () => {}
  signal.addEventListener('abort', () => wake(), { once: true })
  return {
    put(news: ConversationNews) {
      const isAbout =
        (news.type === 'message.delta' && news.message_id === messageId) ||
        (news.type === 'message.completed' && news.message.id === messageId)
      if (!isAbout) return
      if (waiting.length >= maxWaiting) waiting = []
      waiting.push(news)
      wake()
    },
    /** Null when nothing came within the time, or the signal aborted. */
    async next(timeout: number) {
      if (waiting.length === 0 && !signal.aborted) {
        let timer: NodeJS.Timeout | undefined
        await new Promise<void>(resolve => {
          wake = resolve
          timer = setTimeout(resolve, timeout)
        })
        clearTimeout(timer)
      }
      return signal.aborted ? null : (waiting.shift() ?? null)
    },
  }
}
