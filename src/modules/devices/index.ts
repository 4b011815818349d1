import { defineModule } from '#core/module.ts'
import { cardsKey } from '#modules/cards/contract.ts'
import { chatKey } from '#modules/chat/contract.ts'
import { identityKey } from '#modules/identity/contract.ts'
import { notificationsKey } from '#modules/notifications/contract.ts'
import { devicesSettings } from './config.ts'
import { permissions } from './contract.ts'
import { mayRead } from './devices.ts'
import { eraseDeletedUsers, eraseJob } from './erasure.ts'
import { integrationSettings } from './integrations/config.ts'
import { createIntegrations } from './integrations/integrations.ts'
import { integrationRoutes } from './integrations/routes.ts'
import { devicesChannels } from './live.ts'
import { migration as devices0001 } from './migrations/0001_devices.ts'
import { migration as devices0002 } from './migrations/0002_turns.ts'
import { migration as devices0003 } from './migrations/0003_media.ts'
import { migration as devices0004 } from './migrations/0004_presence.ts'
import { devicesRoutes } from './routes.ts'
import { createContract, createDevicesServices } from './services.ts'
import { sweepJob } from './sweeping.ts'
import { talkSettings } from './talk-config.ts'
import { talkingParts } from './talking.ts'
import { unlockConsumers, unlockJob } from './unlocked.ts'

export default defineModule({
  name: 'devices',
  settings: { ...devicesSettings, ...talkSettings, ...integrationSettings },
  permissions,
  migrations: [devices0001, devices0002, devices0003, devices0004],
  setup({ core, settings, use }) {
    const services = createDevicesServices({
      core,
      settings,
      identity: use(identityKey),
      notifications: use(notificationsKey),
    })
    const sweep = sweepJob({ ...core, ...services, settings })
    const erase = eraseJob({ ...core, ...services })
    const unlock = unlockJob({ ...core, ...services, cards: use(cardsKey) })
    const integrations = createIntegrations({
      core,
      settings,
      identity: use(identityKey),
      cards: use(cardsKey),
    })
    const talking = talkingParts({
      core,
      settings,
      services,
      chat: use(chatKey),
      identity: use(identityKey),
      integrations,
    })
    return {
      contract: createContract(core, services),
      routes(router) {
        devicesRoutes(router, { core, settings, services })
        talking.routes(router)
        integrationRoutes(router, integrations)
      },
      channels: devicesChannels(mayRead(core.db)),
      jobs: [sweep, erase, unlock, services.imports.job, services.broadcasts.job, ...talking.jobs],
      cron: [{ name: 'devices.sweep', schedule: '*/10 * * * *', job: sweep }],
      consumers: [
        eraseDeletedUsers({ ...core, erase }),
        ...unlockConsumers({ ...core, unlock }),
        ...talking.consumers,
      ],
      upgrades: talking.upgrades,
      partitioned: talking.partitioned,
      stop: talking.stop,
    }
  },
})
