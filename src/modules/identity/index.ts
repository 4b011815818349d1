import { defineModule } from '#core/module.ts'
import { createActors } from './actors.ts'
import { createAuthenticate } from './authenticate.ts'
import { identitySettings } from './config.ts'
import { identityPermissions } from './contract.ts'
import { isLoopbackOnly } from './deps.ts'
import { migration as identity } from './migrations/0001_identity.ts'
import { migration as emailLinks } from './migrations/0002_email_links.ts'
import { identityRoutes } from './routes/index.ts'
import { createContract, createIdentityService } from './service.ts'
import type { IdentityTables } from './tables.ts'

export default defineModule({
  name: 'identity',
  settings: identitySettings,
  permissions: identityPermissions,
  migrations: [identity, emailLinks],
  setup({ core, settings }) {
    const { PUBLIC_URL, PORT } = core.settings
    const db = core.db.withTables<IdentityTables>()
    const { cache, clock, tokens } = core
    const log = core.log.child('identity')
    const actors = createActors({ db, cache, tokens, clock, log })
    const deps = {
      ...core,
      db,
      actors,
      settings,
      publicUrl: PUBLIC_URL.replace(/\/+$/, '') || `http://localhost:${PORT}`,
      isLoopback: isLoopbackOnly(core.settings),
    }
    const service = createIdentityService(deps)
    const { assertSameOrigin, ...doors } = createAuthenticate({
      actors,
      publicOrigin: PUBLIC_URL ? new URL(PUBLIC_URL).origin : null,
    })
    const contract = createContract(deps, cache, service, doors)
    return {
      contract,
      gate: contract,
      routes: router =>
        identityRoutes(router, service, {
          assertSameOrigin,
          isHttps: PUBLIC_URL.startsWith('https:'),
        }),
      partitioned: [{ table: 'identity_sign_in', retention_months: settings.IDENTITY_SIGN_IN_LOG_MONTHS }],
      jobs: service.background.jobs,
      cron: service.background.cron,
    }
  },
})
