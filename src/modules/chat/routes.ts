import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Router } from '#core/http/route.ts'
import type { chatSettings } from './config.ts'
import { memoryRoutes } from './memory/routes.ts'
import { openAiRoutes } from './openai/routes.ts'
import { attachmentRoutes } from './routes/attachments.ts'
import { botRoutes } from './routes/bots.ts'
import { conversationRoutes } from './routes/conversations.ts'
import { folderRoutes } from './routes/folders.ts'
import { instructionRoutes } from './routes/instructions.ts'
import { messageRoutes } from './routes/messages.ts'
import { modelRoutes } from './routes/models.ts'
import { searchRoutes } from './routes/search.ts'
import { shareRoutes } from './routes/shares.ts'
import type { ChatServices } from './services.ts'
import { transferRoutes } from './transfer/routes.ts'

/** All of the module's routes, a file for each resource. */
export function chatRoutes(
  router: Router,
  {
    core,
    settings,
    services,
  }: { core: Core; settings: Settings<typeof chatSettings>; services: ChatServices },
) {
  const hub = core.realtime
  conversationRoutes(router, services.conversations)
  messageRoutes(router, { ...services, hub })
  memoryRoutes(router, services.memories)
  searchRoutes(router, services.search)
  modelRoutes(router, { ...core, ...services })
  botRoutes(router, { ...services, hub })
  folderRoutes(router, services.folders)
  instructionRoutes(router, services.instructions)
  attachmentRoutes(router, { ...services, settings })
  shareRoutes(router, services.shares)
  transferRoutes(router, { ...services, settings })
  openAiRoutes(router, { ...core, ...services })
}
