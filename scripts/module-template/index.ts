import { consumer } from '#core/events/events.ts'
import { defineModule } from '#core/module.ts'
import { UserDeleted } from '#modules/identity/contract.ts'
import { sampleSettings } from './config.ts'
import { permissions } from './contract.ts'
import { migration } from './migrations/0001_sample.ts'
import { sampleRoutes } from './routes.ts'
import { createSampleService } from './service.ts'
import { itemStore } from './store.ts'
import type { SampleTables } from './tables.ts'

export default defineModule({
  name: 'sample',
  settings: sampleSettings,
  permissions,
  migrations: [migration],
  setup({ core, settings }) {
    const service = createSampleService({ ...core, db: core.db.withTables<SampleTables>(), settings })
    return {
      contract: service,
      routes: router => sampleRoutes(router, service),
      consumers: [
        consumer({
          name: 'sample.forget_user',
          event: UserDeleted,
          handle: ({ payload }, tx) => itemStore.deleteOfUser(tx.withTables<SampleTables>(), payload.user_id),
        }),
      ],
    }
  },
})
