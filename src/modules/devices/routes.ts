import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Router } from '#core/http/route.ts'
import type { devicesSettings } from './config.ts'
import { catalogueRoutes } from './routes/catalogue.ts'
import { deviceRoutes } from './routes/devices.ts'
import { firmwareRoutes } from './routes/firmware.ts'
import { groupRoutes, registrationRoutes } from './routes/registrations.ts'
import { sharingRoutes } from './routes/sharing.ts'
import { startUpRoutes } from './routes/start-up.ts'
import type { DevicesServices } from './services.ts'

export function devicesRoutes(
  router: Router,
  deps: { core: Core; settings: Settings<typeof devicesSettings>; services: DevicesServices },
): void {
  const { core, settings, services } = deps
  startUpRoutes(router, { ...services, publicUrl: core.settings.PUBLIC_URL })
  deviceRoutes(router, services)
  sharingRoutes(router, services)
  catalogueRoutes(router, { ...services, settings })
  registrationRoutes(router, services)
  groupRoutes(router, services)
  firmwareRoutes(router, { ...services, settings })
}
