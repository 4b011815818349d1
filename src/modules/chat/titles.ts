import type { Ai } from '#core/ai/ai.ts'
import { offlineTitle } from '#core/ai/offline/engine.ts'
import type { Db } from '#core/db/db.ts'
import { defineJob } from '#core/jobs/jobs.ts'
import { conversationStore } from './conversation-store.ts'
import type { Live } from './live.ts'
import { messageStore } from './message-store.ts'
import { quietAnswer } from './quiet-answer.ts'
import type { ChatTables } from './tables.ts'
import { storable } from './text-stream.ts'
import { ConversationWork } from './turn-ending.ts'

/** Characters of question and answer that a title is made from. */
const maxGiven = 2000
const maxTitleLength = 60

/** Gives a conversation its title after the first answer. A title that the user has chosen is never touched. */
export const titleJob = (deps: { db: Db; ai: Ai; live: Live }) =>
  defineJob({
    name: 'chat.make_title',
    schema: ConversationWork,
    attempts: 3,
    timeout_ms: 90_000,
    async run({ user_id, conversation_id, message_id }, { signal, log }) {
      const db = deps.db.withTables<ChatTables>()
      const conversation = await conversationStore.find(db.primary, user_id, conversation_id)
      if (!conversation || conversation.title !== null) return
      const [answer, question] = await messageStore.branch(db.primary, conversation_id, message_id, 2)
      if (!answer || !question) return
      const said = `${question.content.slice(0, maxGiven)}\n\n${answer.content.slice(0, maxGiven)}`
      const made = await quietAnswer(deps.ai, log, {
        user_id,
        feature: 'chat_title',
        model: answer.model,
        max_tokens: 60,
        signal,
        messages: [
          {
            role: 'system',
            content:
              'Give the conversation below a title of at most eight words, in its own language. Answer with the title only, without quotes and without a full stop.',
          },
          { role: 'user', content: `<conversation>\n${said}\n</conversation>` },
        ],
      })
      const title = tidyTitle(made ?? '') || tidyTitle(offlineTitle(question.content) ?? '')
      if (title === '') return
      const named = await conversationStore.nameOnce(db.primary, user_id, conversation_id, title)
      if (named) await deps.live.conversationUpdated(user_id, named)
    },
  })

/** The first line that says something, without the quotes and the full stop that models like to add. */
export function tidyTitle(text: string): string {
  const line = text.split('\n').find(candidate => candidate.trim() !== '') ?? ''
  const bare = line
    .trim()
    .replace(/^(?:#+\s*|(?:title|标题)\s*[:：]\s*)+/i, '')
    .replace(/^["'“”‘’「『《*]+|["'“”‘’」』》*。.]+$/g, '')
    .trim()
  const letters = [...bare]
  return storable(
    letters.length > maxTitleLength ? `${letters.slice(0, maxTitleLength - 1).join('')}…` : bare,
  )
}
