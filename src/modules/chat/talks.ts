import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import { conversationStore } from './conversation-store.ts'
import { type UserNews, userChannel } from './live.ts'
import type { PathMessage } from './message-store.ts'
import type { createPrompts, History } from './prompt.ts'
import type { ChatTables } from './tables.ts'

/** A conversation that is being spoken in, as this process holds it. */
export type Talk = {
  readonly conversation_id: string
  readonly user_id: string
  bot_id: string | null
  is_temporary: boolean
  /** There is no row yet: the first write makes it. */
  is_new: boolean
  /** Newest first. Answers grow in it while they are spoken. */
  path: PathMessage[]
  summary: string | null
  /** The messages that this process has put into it, and the leaf that it found. */
  readonly written: Set<string>
  /** Somebody else has changed it, or it has grown too long to be held: the next turn reads it again. */
  is_stale: boolean
  open_turns: number
  /** Resolves when everything that was said until now is stored. Never rejects. */
  stored: Promise<unknown>
  used_at: number
  close(): void
}

/** Tokens of history that a spoken turn may see: enough for an hour of talk, and quick to read for a model. */
export const spokenWindow = 16_384
/** Messages that a talk may hold. */
const maxPath = 200
/** Milliseconds for which a silent talk is held, and how many are. */
const warmth = 600_000
const maxTalks = 2000

/** The talks of this process, so that a turn need not read what was said before. */
export function createTalks(deps: {
  db: Db
  realtime: Realtime
  prompts: Pick<ReturnType<typeof createPrompts>, 'history'>
  clock: Clock
  log: Log
}) {
  const db = deps.db.withTables<ChatTables>()
  const { realtime, prompts, clock, log } = deps
  /** The least recently used first. */
  const talks = new Map<string, Talk>()
  const reading = new Map<string, Promise<Talk | null>>()
  let timer: NodeJS.Timeout | undefined

  function hold(talk: Talk) {
    talk.used_at = clock.now()
    talks.delete(talk.conversation_id)
    talks.set(talk.conversation_id, talk)
    timer ??= setInterval(sweep, warmth / 10).unref()
  }

  function drop(talk: Talk) {
    talk.close()
    if (talks.get(talk.conversation_id) === talk) talks.delete(talk.conversation_id)
  }

  function sweep() {
    const before = clock.now() - warmth
    for (const talk of talks.values()) {
      const isCold = talk.used_at < before || talks.size > maxTalks
      if (isCold && talk.open_turns === 0) drop(talk)
    }
    if (talks.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  const made = (user_id: string, bot_id: string | null, conversation_id: string): Talk => ({
    conversation_id,
    user_id,
    bot_id,
    is_temporary: false,
    is_new: false,
    path: [],
    summary: null,
    written: new Set(),
    is_stale: false,
    open_turns: 0,
    stored: Promise.resolve(),
    used_at: 0,
    close() {},
  })

  /** Hears of what others do to the conversation: its owner in the web app, another process. */
  async function listen(talk: Talk) {
    const id = talk.conversation_id
    const onLost = () => {
      talk.is_stale = true
    }
    const subscription = await realtime.subscribe(userChannel(talk.user_id), { onLost }, ({ data }) => {
      const news = data as UserNews
      if (news.type === 'conversation.deleted' && news.id === id) talk.is_stale = true
      if (news.type !== 'conversation.updated' || news.conversation.id !== id) return
      const { current_message_id } = news.conversation
      if (current_message_id !== null && !talk.written.has(current_message_id)) talk.is_stale = true
    })
    talk.close = subscription.close
  }

  /** A talk that a turn has begun is held from then on. */
  function holdNew(talk: Talk) {
    hold(talk)
    listen(talk).catch(error => {
      log.warn({ error }, 'a talk cannot hear of changes')
      talk.is_stale = true
    })
  }

  async function read(user_id: string, id: string, before: Talk | undefined): Promise<Talk | null> {
    await before?.stored
    if (before) drop(before)
    const talk = made(user_id, null, id)
    await listen(talk)
    try {
      const conversation = await conversationStore.find(db.primary, user_id, id)
      if (!conversation) return null
      const { bot_id, is_temporary, current_message_id: leaf } = conversation
      const none: History = { path: [], summary: null }
      const { path, summary } = leaf ? await prompts.history(id, leaf, spokenWindow) : none
      if (leaf) talk.written.add(leaf)
      hold(Object.assign(talk, { bot_id, is_temporary, path: [...path], summary }))
      return talk
    } finally {
      if (talks.get(id) !== talk) talk.close()
    }
  }

  async function find(user_id: string, id: string): Promise<Talk | null> {
    const held = talks.get(id)
    if (held && !held.is_stale) return held
    const key = `${user_id} ${id}`
    const running = reading.get(key)
    if (running) return running
    const work = read(user_id, id, held).finally(() => reading.delete(key))
    reading.set(key, work)
    return work
  }

  return {
    /** The talk that a turn belongs to: from memory, read, or begun. */
    async open(user_id: string, bot_id: string | null, conversation_id: string | null): Promise<Talk> {
      const talk = conversation_id ? await find(user_id, conversation_id) : null
      if (!talk || talk.user_id !== user_id || talk.bot_id !== bot_id)
        return { ...made(user_id, bot_id, newId()), is_new: true }
      hold(talk)
      return talk
    },

    /** Takes a turn's question and its growing answer in. */
    join(talk: Talk, question: PathMessage, answer: PathMessage) {
      if (!talks.has(talk.conversation_id)) holdNew(talk)
      talk.path.unshift(answer, question)
      talk.written.add(question.id).add(answer.id)
      talk.open_turns++
    },

    /** A turn is over; `keep` is false where its talk should be read again. */
    leave(talk: Talk, keep: boolean) {
      talk.open_turns--
      if (!keep || talk.path.length > maxPath) talk.is_stale = true
    },

    stop() {
      clearInterval(timer)
      timer = undefined
      for (const talk of [...talks.values()]) drop(talk)
    },
  }
}
