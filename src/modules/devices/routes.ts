import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Router } from '#core/http/route.ts'
import type { devicesSettings } from './config.ts'
import { batchRoutes } from './routes/batches.ts'
import { broadcastRoutes } from './routes/broadcasts.ts'
import { deviceStateRoutes } from './routes/device-state.ts'
import { deviceRoutes } from './routes/devices.ts'
import { firmwareRoutes } from './routes/firmware.ts'
import { groupRoutes } from './routes/groups.ts'
import { importRoutes } from './routes/imports.ts'
import { registrationRoutes } from './routes/registrations.ts'
import { sharingRoutes } from './routes/sharing.ts'
import { startUpRoutes } from './routes/start-up.ts'
import { typeRoutes } from './routes/types.ts'
import { visionRoutes } from './routes/vision.ts'
import type { DevicesServices } from './services.ts'

export function devicesRoutes(
  router: Router,
  deps: { core: Core; settings: Settings<typeof devicesSettings>; services: DevicesServices },
): void {
  const { core, settings, services } = deps
  startUpRoutes(router, { ...services, publicUrl: core.settings.PUBLIC_URL })
  visionRoutes(router, services)
  deviceRoutes(router, services)
  deviceStateRoutes(router, services)
  sharingRoutes(router, services)
  typeRoutes(router, services)
  batchRoutes(router, services)
  importRoutes(router, { ...services, settings })
  registrationRoutes(router, services)
  groupRoutes(router, services)
  broadcastRoutes(router, services)
  firmwareRoutes(router, { ...services, settings })
}
