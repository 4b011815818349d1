import { setTimeout as pause } from 'node:timers/promises'
import type { Ai, ChatRequest, HeldChat } from '#core/ai/ai.ts'
import type { Settled } from '#core/ai/metering.ts'
import type { ChatMessage, ToolCall } from '#core/ai/types.ts'
import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { AppError, translateError } from '#core/errors.ts'
import type { Events } from '#core/events/events.ts'
import { newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { Bots } from './bots.ts'
import type { chatSettings } from './config.ts'
import { messageEmpty, messageTooLong, type SpokenQuestion, type SpokenTurn, turnFailed } from './contract.ts'
import { createDeltaQueue, type DeltaQueue } from './delta-queue.ts'
import type { FollowUps } from './follow-ups.ts'
import type { Live } from './live.ts'
import type { AnswerEnd, PathMessage } from './message-store.ts'
import type { createPrompts } from './prompt.ts'
import { createCallCollector, definitionsOf, runTools } from './spoken-tools.ts'
import { createSpokenWrites, type SpokenRecord } from './spoken-writes.ts'
import { createTalks, spokenWindow, type Talk } from './talks.ts'
import { createTextStream, storable } from './text-stream.ts'

/** Rounds of tools in one turn; after them the model must answer. */
const maxRounds = 5
/** Milliseconds of a turn in which nothing is stored: by then its first sound should be out. */
const quietTime = 250
/** Milliseconds that turns get to finish when the process stops. */
const drainTime = 5000

/** A turn that may begin: its talk, its prompt, and the hold of its first call. */
type Admitted = {
  talk: Talk
  call: HeldChat
  request: ChatRequest
  messages: ChatMessage[]
  forgotten_id: string | null
  before: Promise<unknown>
}

/** The text of a running turn, and what it cost. */
type Progress = {
  question: SpokenQuestion
  signal: AbortSignal
  deltas: DeltaQueue
  answer: PathMessage
  content: ReturnType<typeof createTextStream>
  reasoning: ReturnType<typeof createTextStream>
  finish_reason: string | null
  settled: Settled[]
  started_at: number
  first_token_at: number | null
  /** The model came to its end. */
  is_whole: boolean
  /** What was heard, once somebody has said so, and what was stored. */
  heard: string | null
  stored: string | null
}

export type SpokenTurns = ReturnType<typeof createSpokenTurns>

/** Asking a bot by voice: see `Chat.spokenTurn`. */
export function createSpokenTurns(deps: {
  db: Db
  ai: Ai
  clock: Clock
  events: Events
  realtime: Realtime
  live: Live
  followUp: FollowUps
  bots: Pick<Bots, 'visible'>
  prompts: ReturnType<typeof createPrompts>
  settings: Settings<typeof chatSettings>
  log: Log
}) {
  const { ai, bots, prompts, settings, log } = deps
  const talks = createTalks(deps)
  const writes = createSpokenWrites(deps)
  const running = new Set<Promise<unknown>>()
  const stopping = new AbortController()

  /** Everything before the call of the model. While the talk is hot, only `ai.reserve` asks the database. */
  async function admit(turn: Progress): Promise<Admitted> {
    const { question, signal } = turn
    const { user_id, tools = [] } = question
    const content = storable(question.text)
    const limit = settings.CHAT_MESSAGE_MAX_CHARS
    if (content.trim() === '') throw messageEmpty()
    if (content.length > limit) throw messageTooLong({ length: content.length, limit })
    const bot = question.bot_id ? await bots.visible(user_id, question.bot_id) : null
    const talk = await talks.open(user_id, bot?.id ?? null, question.conversation_id)
    const model = await ai.modelFor(user_id, bot?.model ?? '')
    const { messages, forgotten_id } = await prompts.make({
      user_id,
      conversation_id: talk.conversation_id,
      bot,
      model: {
        context_window: Math.min(model.context_window, spokenWindow),
        max_output: model.max_output,
        sees_images: model.capabilities.vision,
      },
      from_id: null,
      question: { content, attachments: [] },
      partial: null,
      history: { path: talk.path.filter(message => message.content !== ''), summary: talk.summary },
      uses_memory: !talk.is_temporary,
      is_spoken: true,
    })
    const request: ChatRequest = {
      model: bot?.model ?? '',
      messages,
      ...(tools.length > 0 ? { tools: definitionsOf(tools) } : {}),
      ...(bot?.temperature == null ? {} : { temperature: bot.temperature }),
      ...(settings.CHAT_ANSWER_MAX_TOKENS > 0 ? { max_tokens: settings.CHAT_ANSWER_MAX_TOKENS } : {}),
      user_id,
      feature: 'chat_spoken',
      signal,
      onSettled: settled => turn.settled.push(settled),
    }
    signal.throwIfAborted()
    const call = await ai.reserve(request)
    const before = talk.stored
    return { talk, call, request, messages, forgotten_id, before }
  }

  /** One call of the model. Returns what it asks for; without that, the answer is complete. */
  async function listen(turn: Progress, call: HeldChat): Promise<ToolCall[]> {
    const collector = createCallCollector()
    let isFirst = turn.content.text !== ''
    for await (const delta of call.answer(turn.signal)) {
      if (delta.type === 'tool_call') collector.take(delta)
      else if (delta.type === 'text' && delta.text !== '') {
        turn.first_token_at ??= performance.now()
        // What was said before the tools ran is a sentence of its own.
        const text = isFirst ? `\n${delta.text}` : delta.text
        isFirst = false
        turn.content.push(text)
        if (turn.heard === null) turn.answer.content = turn.content.text
        turn.deltas.push({ type: 'text', text })
      } else if (delta.type === 'reasoning') turn.reasoning.push(delta.text)
      else if (delta.type === 'finish') {
        turn.finish_reason = delta.reason
        // The last word is out; counting and booking need not keep the reader.
        if (collector.all().length === 0) {
          turn.is_whole = true
          turn.deltas.end()
        }
      }
    }
    return collector.all()
  }

  async function answer(turn: Progress, { call: first, request, messages }: Admitted) {
    const { tools = [] } = turn.question
    const said = [...messages]
    let call = first
    for (let round = 1; ; round++) {
      const before = { content: turn.content.text.length, reasoning: turn.reasoning.text.length }
      const calls = await listen(turn, call)
      if (calls.length === 0 || round > maxRounds) return
      const content = turn.content.text.slice(before.content).trim() || null
      const reasoning_content = turn.reasoning.text.slice(before.reasoning) || null
      said.push({ role: 'assistant', content, reasoning_content, tool_calls: calls })
      said.push(...(await runTools(calls, tools, turn.signal, log)))
      call = await ai.reserve({
        ...request,
        messages: [...said],
        ...(round === maxRounds ? { tool_choice: 'none' as const } : {}),
        // One question is one request, however many calls it takes.
        is_background: true,
      })
    }
  }

  /** The whole answer. Returns what went wrong, if anything did. */
  async function write(turn: Progress, admitted: Admitted): Promise<AppError | null> {
    try {
      await answer(turn, admitted)
      return null
    } catch (error) {
      if (turn.signal.aborted) return null
      if (error instanceof AppError) return error
      log.error({ error }, 'a spoken turn failed')
      return turnFailed()
    } finally {
      turn.content.end()
      turn.reasoning.end()
    }
  }

  async function store(
    turn: Progress,
    record: SpokenRecord,
    admitted: Admitted,
    error: AppError | null,
  ): Promise<'done' | 'stopped' | 'failed'> {
    const rest = quietTime - (performance.now() - turn.started_at)
    if (rest > 0) await pause(rest, null, { signal: turn.signal }).catch(() => undefined)
    const content = turn.heard ?? turn.content.text
    const isCut = turn.heard === null ? !turn.is_whole : content.trim() !== turn.content.text.trim()
    const status = error ? 'failed' : isCut ? 'stopped' : 'done'
    turn.answer.content = content
    turn.stored = content
    const end: AnswerEnd = {
      ...numbersOf(turn),
      content,
      reasoning: turn.reasoning.text || null,
      status,
      model: admitted.call.model.id,
      error_code: error?.code ?? null,
      error_detail: error ? translateError(error, turn.question.locale) : null,
    }
    await writes.end(record, end, admitted.forgotten_id)
    return status
  }

  async function run(turn: Progress, onAdmitted: (conversation_id: string) => void) {
    const admitted = await admit(turn)
    const { talk, before } = admitted
    const question: PathMessage = {
      id: newId(),
      parent_id: null,
      role: 'user',
      content: storable(turn.question.text),
      attachments: [],
    }
    const record: SpokenRecord = { talk, question, answer: turn.answer, before, is_question_stored: false }
    turn.answer.id = newId()
    talks.join(talk, question, turn.answer)
    const isOver = Promise.withResolvers<void>()
    talk.stored = isOver.promise
    onAdmitted(talk.conversation_id)
    let early: Promise<void> | undefined
    const timer = setTimeout(() => {
      early = writes.question(record).catch(error => log.warn({ error }, 'a question waits to be stored'))
    }, quietTime)
    let isStored = false
    try {
      const error = await write(turn, admitted)
      turn.deltas.end(error)
      clearTimeout(timer)
      await early
      const status = await store(turn, record, admitted, error)
      isStored = true
      return { record, status }
    } finally {
      talks.leave(talk, isStored && admitted.forgotten_id === null)
      isOver.resolve()
    }
  }

  return {
    spokenTurn(question: SpokenQuestion): SpokenTurn {
      const left = new AbortController()
      const turn: Progress = {
        question,
        signal: AbortSignal.any([question.signal, left.signal, stopping.signal]),
        deltas: createDeltaQueue(() => left.abort()),
        answer: { id: '', parent_id: null, role: 'assistant', content: '', attachments: [] },
        content: createTextStream(),
        reasoning: createTextStream(),
        finish_reason: null,
        settled: [],
        started_at: performance.now(),
        first_token_at: null,
        is_whole: false,
        heard: null,
        stored: null,
      }
      const admitted = Promise.withResolvers<string>()
      const work = run(turn, admitted.resolve)
      const task = work.then(
        () => undefined,
        error => {
          admitted.reject(error)
          turn.deltas.end(turn.signal.aborted ? null : error)
        },
      )
      running.add(task)
      task.finally(() => running.delete(task))
      const done = work.then(({ record, status }) => ({
        conversation_id: record.talk.conversation_id,
        message_id: record.answer.id,
        status,
      }))
      // Whoever does not ask is not told.
      done.catch(() => undefined)
      admitted.promise.catch(() => undefined)
      return {
        conversation_id: admitted.promise,
        deltas: turn.deltas,
        done,
        async spoken(text) {
          turn.heard = storable(text)
          turn.answer.content = turn.heard
          // Of a turn that was not admitted there is nothing to cut; `done` says why.
          const stored = await work.catch(() => null)
          if (stored && turn.stored !== turn.heard) await writes.cut(stored.record, turn.heard)
        },
      }
    },

    /** Lets running turns finish for a moment, then keeps what they have. */
    async drain() {
      const moment = AbortSignal.timeout(drainTime)
      await Promise.race([
        Promise.allSettled(running),
        new Promise(resolve => moment.addEventListener('abort', resolve)),
      ])
      stopping.abort()
      await Promise.allSettled(running)
      talks.stop()
    },
  }
}

/** What the calls of a turn came to together. Absent is not zero. */
function numbersOf({ settled, finish_reason, started_at, first_token_at }: Progress) {
  const sum = (of: (booked: Settled) => number) =>
    settled.length === 0 ? null : settled.reduce((total, booked) => total + of(booked), 0)
  const sources = new Set(settled.map(({ usage }) => usage.source))
  const [source = null] = (['partial', 'estimated', 'upstream'] as const).filter(kind => sources.has(kind))
  return {
    finish_reason,
    prompt_tokens: sum(({ usage }) => usage.prompt_tokens),
    completion_tokens: sum(({ usage }) => usage.completion_tokens),
    tokens_used: sum(({ usage }) => usage.prompt_tokens + usage.completion_tokens),
    usage_source: source,
    cost_micros: sum(({ cost_micros }) => cost_micros),
    latency_ms: Math.round(performance.now() - started_at),
    first_token_ms: first_token_at === null ? null : Math.round(first_token_at - started_at),
  }
}
