import type { Settings, SettingsSpec } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Migration } from '#core/db/migrate.ts'
import type { MonthPartitioned } from '#core/db/partitions.ts'
import type { ConsumerDefinition } from '#core/events/events.ts'
import type { Gate, PermissionDefinition, Router } from '#core/http/route.ts'
import type { UpgradeDoor } from '#core/http/upgrades.ts'
import type { CronDefinition, JobDefinition } from '#core/jobs/jobs.ts'
import type { ChannelDefinition } from '#core/realtime/channels.ts'

export type { PermissionDefinition }

/** Names the service that a module offers to others, and carries its type. Lives in the module's `contract.ts`. */
export type ContractKey<T> = { readonly module: string; readonly type?: T }

export const contractKey = <T>(module: string): ContractKey<T> => ({ module })

/** What a module is given to wire itself with: the core, its own settings, and other modules' contracts. */
export type ModuleContext<S extends SettingsSpec> = {
  core: Core
  settings: Settings<S>
  /** Another module's service. It must stand earlier in `catalog.ts`, or this throws. */
  use<T>(key: ContractKey<T>): T
}

/** What a module adds to the house. Every part is optional. */
export type ModuleParts = {
  /** The service named by the module's contract key. */
  contract?: unknown
  routes?: (router: Router) => void
  jobs?: readonly JobDefinition[]
  cron?: readonly CronDefinition[]
  consumers?: readonly ConsumerDefinition[]
  channels?: readonly ChannelDefinition[]
  /** WebSocket doors of the module's own protocols. What browsers listen to are channels. */
  upgrades?: readonly UpgradeDoor[]
  /** Log-like tables, whose months are made ahead and dropped after their retention. */
  partitioned?: readonly MonthPartitioned[]
  /** Who may come in. Exactly one module provides it: identity. */
  gate?: Gate
  /** Runs when the process is about to serve; `stop` when it drains. */
  start?: () => Promise<void>
  stop?: () => Promise<void>
}

export type ModuleDefinition<S extends SettingsSpec = SettingsSpec> = {
  name: string
  settings: S
  permissions: readonly PermissionDefinition[]
  migrations: readonly Migration[]
  setup(context: ModuleContext<S>): ModuleParts | Promise<ModuleParts>
}

export const defineModule = <const S extends SettingsSpec>(
  definition: ModuleDefinition<S>,
): ModuleDefinition<S> => definition
