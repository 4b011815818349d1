import type { HeldChat } from '#core/ai/ai.ts'
import type { Settled } from '#core/ai/metering.ts'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { AppError, type Locale, translateError } from '#core/errors.ts'
import { newId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import { type AnswerStart, type AnswerText, type AnswerWriter, createAnswerWriter } from './answer-writer.ts'
import type { chatSettings } from './config.ts'
import { turnFailed, turnsBusy } from './contract.ts'
import type { Live } from './live.ts'
import { persistently } from './persistently.ts'
import { createSlots } from './slots.ts'
import type { ChatTables, MessageStatus } from './tables.ts'
import type { TurnEnding, TurnRef } from './turn-ending.ts'
import { turnStore } from './turn-store.ts'

/** A stored turn that is to be run. */
export type TurnStart = TurnRef & {
  state: 'queued' | 'running'
  locale: Locale
  model: string
  before: AnswerStart
  /** See TurnEnding.end. */
  forgotten_id: string | null
  /** The metered call: made once, or given back when the turn is stopped before it begins. */
  call: HeldChat
  /** What the call came to, once it is over. */
  settled: () => Settled | null
}

/** Why a turn is cut short: its user wants so, the process stops, or another process has ended it. */
type Cut = 'stopped' | 'interrupted' | 'lost'

type RunningTurn = TurnStart & { controller: AbortController; cut: Cut | null; writer: AnswerWriter }

/** Milliseconds between renewals of the leases, and between looks at those of dead processes. */
const heartbeatInterval = 5000
/** Milliseconds that running answers get to finish when the process stops. */
const drainTime = 5000

export type TurnRunner = ReturnType<typeof createTurnRunner>

/**
 * Writes answers, detached from the requests that asked for them. Each piece goes out live at once; the text so far
 * is stored a few times a second, and the end in one transaction. If the process dies, the lease of its turns lapses
 * and the heartbeat of another, or its own next start, marks them interrupted.
 */
export function createTurnRunner(deps: {
  db: Db
  live: Live
  ending: TurnEnding
  log: Log
  settings: Settings<typeof chatSettings>
}) {
  const db = deps.db.withTables<ChatTables>()
  const { live, ending, log } = deps
  const max_running = deps.settings.CHAT_MAX_RUNNING_TURNS
  /** Names this process as the owner of its turns. */
  const owner = newId()
  const slots = createSlots(max_running)
  const turns = new Map<string, RunningTurn>()
  const tasks = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined

  function cut(turn: RunningTurn, reason: Cut) {
    turn.cut ??= reason
    turn.controller.abort()
  }

  async function checkpoint(turn: RunningTurn, text: AnswerText) {
    try {
      if (!(await turnStore.checkpoint(db.primary, turn, owner, text))) cut(turn, 'lost')
    } catch (error) {
      log.warn({ error, turn_id: turn.id }, 'an answer could not be stored for now')
    }
  }

  /** Writes the whole answer. Returns what went wrong, if anything did. */
  async function write(turn: RunningTurn): Promise<AppError | null> {
    const { signal } = turn.controller
    try {
      const leave = await slots.acquire(signal)
      try {
        if (turn.state === 'queued') await turnStore.setRunning(db.primary, turn.id, owner)
        for await (const delta of turn.call.answer(signal)) turn.writer.take(delta)
        return null
      } finally {
        leave()
      }
    } catch (error) {
      if (turn.cut) return null
      if (error instanceof AppError) return error
      log.error({ error, turn_id: turn.id }, 'a turn failed')
      return turnFailed()
    } finally {
      await turn.call.release()
    }
  }

  async function run(turn: RunningTurn) {
    const error = await write(turn)
    const numbers = await turn.writer.close(turn.settled())
    if (turn.cut === 'lost') return
    const status: MessageStatus = error ? 'failed' : (turn.cut ?? 'done')
    const answer = {
      ...numbers,
      status,
      model: turn.model,
      error_code: error?.code ?? null,
      error_detail: error ? translateError(error, turn.locale) : null,
    }
    await persistently(() => ending.end(turn, owner, answer, turn.forgotten_id))
  }

  async function heartbeat() {
    try {
      const renewed = turns.size > 0 ? await turnStore.renew(db.primary, owner, [...turns.keys()]) : []
      for (const { id, stop_requested } of renewed) {
        const turn = turns.get(id)
        if (turn && stop_requested) cut(turn, 'stopped')
      }
      const reaped = await ending.reap()
      if (reaped > 0) log.info({ turns: reaped }, 'marked turns of a dead process as interrupted')
    } catch (error) {
      log.warn({ error }, 'the leases of turns could not be renewed')
    }
  }

  return {
    owner,

    /**
     * The state in which a new turn begins.
     * @throws AppError `turn.too_many` when as many turns run and wait as this process bears.
     */
    firstState(): 'queued' | 'running' {
      if (slots.waiting >= max_running * 10) throw turnsBusy({}, { retryAfter: 10 })
      return slots.hasRoom ? 'running' : 'queued'
    },

    /** Begins to write a stored turn, and returns at once. */
    launch(start: TurnStart) {
      const turn: RunningTurn = {
        ...start,
        controller: new AbortController(),
        cut: null,
        writer: createAnswerWriter(
          start.before,
          piece =>
            live.toConversation(start.conversation_id, {
              type: 'message.delta',
              message_id: start.message_id,
              ...piece,
            }),
          text => checkpoint(turn, text),
        ),
      }
      turns.set(turn.id, turn)
      const task = run(turn)
        .catch(error => log.error({ error, turn_id: turn.id }, 'the end of a turn could not be stored'))
        .finally(() => {
          turns.delete(turn.id)
          tasks.delete(task)
        })
      tasks.add(task)
    },

    /** Stops a turn if it runs in this process. */
    stop(turnId: string) {
      const turn = turns.get(turnId)
      if (turn) cut(turn, 'stopped')
    },

    /** The text of an answer that is being written in this process, newer than the stored one. */
    textOf(messageId: string): AnswerText | null {
      for (const turn of turns.values()) if (turn.message_id === messageId) return turn.writer.text()
      return null
    },

    async start() {
      await heartbeat()
      const beat = async () => {
        await heartbeat()
        if (timer) timer = setTimeout(beat, heartbeatInterval)
      }
      timer = setTimeout(beat, heartbeatInterval)
    },

    /** Lets running answers finish for a moment, then keeps what they have. */
    async drain() {
      const all = Promise.allSettled(tasks)
      const moment = AbortSignal.timeout(drainTime)
      await Promise.race([all, new Promise(resolve => moment.addEventListener('abort', resolve))])
      for (const turn of turns.values()) cut(turn, 'interrupted')
      await Promise.allSettled(tasks)
      clearTimeout(timer)
      timer = undefined
    },
  }
}
