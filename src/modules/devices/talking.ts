import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import { isId } from '#core/ids.ts'
import type { ModuleParts } from '#core/module.ts'
import type { Chat } from '#modules/chat/contract.ts'
import type { Identity } from '#modules/identity/contract.ts'
import { accessOf, assertAccess } from './devices.ts'
import type { Integrations } from './integrations/integrations.ts'
import { normalMac } from './registry.ts'
import type { DevicesServices } from './services.ts'
import { arrivals } from './socket/arrival.ts'
import { createTalk } from './socket/talk.ts'
import type { DevicesTables } from './tables.ts'
import type { talkSettings } from './talk-config.ts'
import { turnRoutes } from './voice/turn-routes.ts'
import { createTurns, eraseDeletedUsersTurns, eraseTurnsJob } from './voice/turns.ts'

type TalkingDeps = {
  core: Core
  settings: Settings<typeof talkSettings>
  services: DevicesServices
  chat: Chat
  identity: Identity
  integrations: Integrations
}

type TalkingParts = Required<
  Pick<ModuleParts, 'routes' | 'jobs' | 'consumers' | 'upgrades' | 'partitioned' | 'stop'>
>

/** What talking with devices adds to the module: the socket, the record of the exchanges, and what can be read of it. */
export function talkingParts(deps: TalkingDeps): TalkingParts {
  const { core, settings, services } = deps
  const db = core.db.withTables<DevicesTables>()
  const turns = createTurns(core)
  const erase = eraseTurnsJob(core)
  const talk = createTalk({
    ...core,
    ...services,
    ...deps,
    arrivalOf: arrivals(core.settings),
    async deviceOfUser(user_id, named) {
      const mac = normalMac(named)
      if (mac === null && !isId(named)) return null
      const row = await db.primary
        .selectFrom('devices_device as device')
        .innerJoin('devices_binding as binding', 'binding.device_id', 'device.id')
        .select(['device.id as device_id', 'device.type_id', 'binding.id as binding_id'])
        .select(['binding.owner_id as user_id', 'binding.bot_id'])
        .where(mac === null ? 'device.id' : 'device.mac', '=', mac ?? named)
        .where('device.state', '=', 'bound')
        .executeTakeFirst()
      return row && (await accessOf(db.primary, user_id, row.device_id)) ? row : null
    },
    sendCommand: (user_id, device_id, command) =>
      services.ownerCommands.send({ user_id }, device_id, { command }),
    async assertAccess(user_id, device_id) {
      await assertAccess(db.primary, user_id, device_id)
    },
    async isOnline(device_id) {
      const row = await db.primary
        .selectFrom('devices_device')
        .select('online_until')
        .where('id', '=', device_id)
        .executeTakeFirst()
      return row?.online_until != null && Date.parse(row.online_until) > core.clock.now()
    },
  })
  return {
    routes: router => turnRoutes(router, turns),
    jobs: [erase],
    consumers: [eraseDeletedUsersTurns({ ...core, erase })],
    upgrades: [talk.door],
    partitioned: [{ table: 'devices_turn', retention_months: settings.DEVICES_TURN_MONTHS }],
    stop: talk.stop,
  }
}
