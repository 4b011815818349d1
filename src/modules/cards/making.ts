import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Router } from '#core/http/route.ts'
import type { Billing } from '#modules/billing/contract.ts'
import type { Identity } from '#modules/identity/contract.ts'
import { createBatches } from './batches.ts'
import { createCategories } from './categories.ts'
import { codeHashers } from './codes.ts'
import type { cardsSettings } from './config.ts'
import { createExports } from './export/exports.ts'
import { createFiles } from './files.ts'
import { generationJob } from './generation.ts'
import { batchChannel, createBatchLive } from './live.ts'
import { giveUpJob, resealJob, sweepJob } from './making-jobs.ts'
import { batchRoutes } from './routes/batches.ts'
import { categoryRoutes } from './routes/categories.ts'
import { exportRoutes } from './routes/exports.ts'
import { fileRoutes } from './routes/files.ts'
import { templateRoutes } from './routes/templates.ts'
import { createTemplates } from './templates.ts'

/** The half of the module that makes cards: categories, templates, batches, codes and their export. */
export function createMaking(deps: {
  core: Core
  settings: Settings<typeof cardsSettings>
  billing: Billing
  identity: Identity
}) {
  const { core, settings, billing, identity } = deps
  const log = core.log.child('cards')
  const [hasher, ...former] = codeHashers(core.keys.hmac)
  if (!hasher) throw new Error('The server has no key')
  const hashers = [hasher, ...former]
  const live = createBatchLive({ ...core, log })
  const categories = createCategories(core)
  const templates = createTemplates({ ...core, categories, billing })
  const files = createFiles({ ...core, settings })
  const generate = generationJob({ ...core, hashers, live })
  const batches = createBatches({ ...core, log, hasher, live, generate })
  const publicUrl = core.settings.PUBLIC_URL.replace(/\/+$/, '') || `http://localhost:${core.settings.PORT}`
  const exports = createExports({ ...core, log, hashers, settings, identity, publicUrl })
  const giveUp = giveUpJob({ exports })
  const reseal = resealJob(core)
  const sweep = sweepJob({ ...core, files })
  return {
    /** Hash codes as they are stored: see `hashesOf` in `codes.ts`. */
    hashers,
    setSizes: templates.setSizes,
    templateNames: templates.templateNames,
    routes(router: Router) {
      categoryRoutes(router, categories)
      templateRoutes(router, templates)
      fileRoutes(router, files)
      batchRoutes(router, batches)
      exportRoutes(router, exports)
    },
    channels: [batchChannel(core.db)],
    jobs: [generate, reseal, sweep, giveUp],
    cron: [
      { name: 'cards.give_up_exports', schedule: '*/10 * * * *', job: giveUp },
      { name: 'cards.reseal_secrets', schedule: '35 4 * * *', job: reseal },
      { name: 'cards.sweep_files', schedule: '45 4 * * *', job: sweep },
    ],
  }
}
