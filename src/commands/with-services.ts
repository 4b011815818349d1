import { join } from 'node:path'
import { loadModules } from '#catalog'
import { loadConfig } from '#core/config.ts'
import { createLog } from '#core/log.ts'
import type { ModuleDefinition } from '#core/module.ts'
import { allSettings, type CoreConfig, createServices, type Services } from '#core/services.ts'
import { root } from './project.ts'

/** Runs a command on the core's services, beside a running server if there is one, and closes them afterwards. */
export async function withServices(
  work: (services: Services, modules: readonly ModuleDefinition[], config: CoreConfig) => Promise<void>,
): Promise<void> {
  const modules = await loadModules()
  const config = loadConfig(allSettings(modules), {
    env: process.env,
    envFile: join(root, '.env'),
  }) as unknown as CoreConfig
  const services = await createServices({ config, modules, root, log: createLog('warn'), serving: false })
  try {
    await work(services, modules, config)
  } finally {
    await services.stop()
  }
}
