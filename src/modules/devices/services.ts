import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { Notifications } from '#modules/notifications/contract.ts'
import { createActivations } from './activation.ts'
import { createBroadcasts } from './broadcasts.ts'
import { createCatalogue } from './catalogue.ts'
import { createClaimGuard } from './claim-guard.ts'
import { createClaims } from './claiming.ts'
import { createCommands } from './commands.ts'
import type { devicesSettings } from './config.ts'
import type { Devices } from './contract.ts'
import { createMyDevices, primaryDevice } from './devices.ts'
import { createReleases } from './firmware.ts'
import { createRollout } from './firmware-rollout.ts'
import { createGroups } from './groups.ts'
import { createImports } from './imports.ts'
import { createLive } from './live.ts'
import { createStartUps } from './ota.ts'
import { createOwnerCommands } from './owner-commands.ts'
import { createPeople } from './people.ts'
import { createRegistrations } from './registrations.ts'
import { createRegistry } from './registry.ts'
import { createSharing } from './sharing.ts'
import { createStates } from './state.ts'
import type { DevicesTables } from './tables.ts'
import { createVision } from './vision.ts'

export type DevicesServices = ReturnType<typeof createDevicesServices>

/** The module's services, each given what it needs. */
export function createDevicesServices(deps: {
  core: Core
  settings: Settings<typeof devicesSettings>
  identity: Identity
  notifications: Notifications
}) {
  const { core, settings, identity, notifications } = deps
  const log = core.log.child('devices')
  const people = createPeople(identity)
  const live = createLive({ ...core, log })
  const registry = createRegistry({ ...core, live })
  const states = createStates({ ...core, live })
  const commands = createCommands({ ...core, live })
  const activations = createActivations(core)
  const rollout = createRollout(core)
  const startUps = createStartUps({ ...core, settings, activations, registry, rollout })
  const guard = createClaimGuard(core)
  const claims = createClaims({ ...core, guard, live })
  const myDevices = createMyDevices({ ...core, live, states, people })
  const ownerCommands = createOwnerCommands({ ...core, commands })
  const sharing = createSharing({ ...core, live, people, identity, notifications })
  return {
    log,
    live,
    registry,
    states,
    commands,
    activations,
    startUps,
    guard,
    claims,
    myDevices,
    ownerCommands,
    sharing,
    catalogue: createCatalogue(core),
    imports: createImports(core),
    registrations: createRegistrations({ ...core, live, states, commands, people }),
    groups: createGroups(core),
    broadcasts: createBroadcasts({ ...core, live }),
    releases: createReleases({ ...core, rollout }),
    vision: createVision({ ...core, registry, identity }),
  }
}

/** What other modules may ask for. */
export function createContract(core: Core, { states, ownerCommands }: DevicesServices): Devices {
  const db = core.db.withTables<DevicesTables>()
  return {
    async primaryDeviceOf(user_id) {
      const row = await primaryDevice(db.primary, user_id)
      return row ? { id: row.device_id } : null
    },
    async setDesired(tx, device_id, patch) {
      await states.setDesired(tx ? tx.withTables<DevicesTables>() : null, device_id, patch)
    },
    async sendCommand({ user_id, device_id, command }) {
      const { id } = await ownerCommands.send({ user_id }, device_id, { command })
      return { id }
    },
  }
}
