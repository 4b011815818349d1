import type { ModuleDefinition } from '#core/module.ts'

/** The products and what they stand on, in the order in which they are set up. A new module is one line here. */
export const catalog: Record<string, () => Promise<{ default: ModuleDefinition }>> = {
  identity: () => import('#modules/identity/index.ts'),
  notifications: () => import('#modules/notifications/index.ts'),
  billing: () => import('#modules/billing/index.ts'),
  chat: () => import('#modules/chat/index.ts'),
  cards: () => import('#modules/cards/index.ts'),
  devices: () => import('#modules/devices/index.ts'),
  achievements: () => import('#modules/achievements/index.ts'),
  admin: () => import('#modules/admin/index.ts'),
}

/** Loads the modules of the catalogue. */
export async function loadModules(): Promise<ModuleDefinition[]> {
  const loaded = await Promise.all(Object.values(catalog).map(load => load()))
  return loaded.map(module => module.default)
}
