import { defineModule } from '#core/module.ts'
import { billingKey } from '#modules/billing/contract.ts'
import { chatSettings } from './config.ts'
import { type Chat, permissions } from './contract.ts'
import { eraseDeletedUsers, eraseJob, purgeJob, resealJob, sweepJob } from './jobs.ts'
import { chatChannels } from './live.ts'
import { migration as chat0001 } from './migrations/0001_chat.ts'
import { migration as chat0002 } from './migrations/0002_source.ts'
import { migration as chat0003 } from './migrations/0003_memory.ts'
import { chatRoutes } from './routes.ts'
import { createChatServices } from './services.ts'

export default defineModule({
  name: 'chat',
  settings: chatSettings,
  permissions,
  migrations: [chat0001, chat0002, chat0003],
  setup({ core, settings, use }) {
    const services = createChatServices({ core, settings, billing: use(billingKey) })
    const { runner, turns, spoken, makeTitle, foldSummary, extractMemory } = services
    const contract: Chat = { spokenTurn: spoken.spokenTurn }
    const purge = purgeJob({ ...core, settings })
    const sweep = sweepJob(services)
    const reseal = resealJob(services)
    const erase = eraseJob({ ...core, ...services })
    return {
      contract,
      routes: router => chatRoutes(router, { core, settings, services }),
      channels: chatChannels(core.db),
      jobs: [makeTitle, foldSummary, extractMemory, purge, sweep, reseal, erase],
      cron: [
        { name: 'chat.purge_conversations', schedule: '20 * * * *', job: purge },
        { name: 'chat.sweep_attachments', schedule: '40 * * * *', job: sweep },
        { name: 'chat.reseal_shares', schedule: '50 4 * * *', job: reseal },
      ],
      consumers: [eraseDeletedUsers({ ...core, erase })],
      async start() {
        await runner.start()
        await turns.start()
      },
      async stop() {
        await Promise.all([runner.drain(), spoken.drain()])
      },
    }
  },
})
