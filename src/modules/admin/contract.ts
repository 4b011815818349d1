import type { PermissionDefinition } from '#core/module.ts'

const administrators = ['super_admin', 'admin']

export const adminPermissions = [
  { name: 'admin.providers.manage', roles: administrators },
  { name: 'admin.models.manage', roles: administrators },
  { name: 'admin.usage.read', roles: administrators },
  { name: 'admin.spend_cap.manage', roles: administrators },
  { name: 'admin.setup.read', roles: administrators },
  { name: 'admin.health.read', roles: administrators },
] as const satisfies PermissionDefinition[]
