import type { Clock } from '#core/clock.ts'
import type { Executor } from '#core/db/db.ts'
import type { Jobs } from '#core/jobs/jobs.ts'
import type { Conversation } from './contract.ts'
import type { ConversationJob } from './turn-ending.ts'

/** Milliseconds of silence after which a conversation is looked through for what is worth remembering. */
const silence = 45_000

export type FollowUps = ReturnType<typeof createFollowUps>

/** What is done in the background after an answer, as part of the transaction that stores it. */
export function createFollowUps(deps: {
  jobs: Jobs
  clock: Clock
  makeTitle: ConversationJob
  foldSummary: ConversationJob
  extractMemory: ConversationJob
}) {
  const { jobs, clock } = deps
  return async function followUp(
    tx: Executor,
    user_id: string,
    conversation: Conversation,
    answer: { id: string; content: string },
    forgotten_id: string | null,
  ): Promise<void> {
    const { id: conversation_id, title, is_temporary } = conversation
    const work = { user_id, conversation_id, message_id: answer.id }
    const key = conversation_id
    if (title === null && answer.content !== '') await jobs.add(tx, deps.makeTitle, work, { key })
    if (forgotten_id) await jobs.add(tx, deps.foldSummary, { ...work, message_id: forgotten_id }, { key })
    if (!is_temporary)
      await jobs.add(tx, deps.extractMemory, work, { key, run_at: new Date(clock.now() + silence) })
  }
}
