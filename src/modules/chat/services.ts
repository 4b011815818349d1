import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Billing } from '#modules/billing/contract.ts'
import { createAttachments } from './attachments.ts'
import { createBotAnswers } from './bot-answers.ts'
import { createBots } from './bots.ts'
import type { chatSettings } from './config.ts'
import { createConversations } from './conversations.ts'
import { createFolders } from './folders.ts'
import { createFollowUps } from './follow-ups.ts'
import { createInstructions } from './instructions.ts'
import { createLive } from './live.ts'
import { memoryJob } from './memory/extraction.ts'
import { createMemories } from './memory/memories.ts'
import { createMessages } from './messages.ts'
import { createPrompts } from './prompt.ts'
import { createQuota } from './quota.ts'
import { createSearch } from './search.ts'
import { createShares } from './shares.ts'
import { createSpokenTurns } from './spoken-turn.ts'
import { summaryJob } from './summaries.ts'
import { titleJob } from './titles.ts'
import { createExports } from './transfer/export.ts'
import { createImports } from './transfer/import.ts'
import { createTurnEnding } from './turn-ending.ts'
import { createTurnRunner } from './turn-runner.ts'
import { createTurns } from './turns.ts'

export type ChatServices = ReturnType<typeof createChatServices>

/** The module's services, each given what it needs. */
export function createChatServices(deps: {
  core: Core
  settings: Settings<typeof chatSettings>
  billing: Billing
}) {
  const { core, settings } = deps
  const log = core.log.child('chat')
  const live = createLive({ ...core, log })
  const quota = createQuota({ ...core, billing: deps.billing })
  const makeTitle = titleJob({ ...core, live })
  const foldSummary = summaryJob(core)
  const memories = createMemories({ ...core, settings })
  const extractMemory = memoryJob({ ...core, memories, settings })
  const followUp = createFollowUps({ ...core, makeTitle, foldSummary, extractMemory })
  const ending = createTurnEnding({ ...core, live, quota, followUp })
  const runner = createTurnRunner({ ...core, live, ending, log, settings })
  const instructions = createInstructions(core)
  const prompts = createPrompts({ ...core, instructions, memories, settings })
  const turns = createTurns({ ...core, live, runner, prompts, settings })
  const messages = createMessages({ ...core, textOf: runner.textOf })
  const conversations = createConversations({
    ...core,
    live,
    memories,
    stopTurns: turns.stopAll,
  })
  const search = createSearch(core)
  const attachments = createAttachments({ ...core, settings })
  const bots = createBots(core)
  const folders = createFolders({ ...core, live })
  const spoken = createSpokenTurns({ ...core, live, bots, prompts, followUp, settings, log })
  return {
    conversations,
    messages,
    turns,
    runner,
    search,
    quota,
    attachments,
    bots,
    botAnswers: createBotAnswers({ ...core, prompts, settings }),
    spoken,
    folders,
    instructions,
    shares: createShares(core),
    exports: createExports({ ...core, memories }),
    imports: createImports({ ...core, live, attachments, bots, folders }),
    memories,
    live,
    log,
    makeTitle,
    foldSummary,
    extractMemory,
  }
}
