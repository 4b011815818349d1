import type { Clock } from '#core/clock.ts'
import type { Db } from '#core/db/db.ts'
import { forbidden } from '#core/errors.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { Registry } from '../registry.ts'
import { type TurnTables, turnStore } from '../voice/timeline.ts'
import type { Standing } from '../voice/turn.ts'
import type { Connection } from './connection.ts'

/** A device that comes back within this time goes on with the talk that it was in. */
const sameTalk_ms = 6 * 3_600_000

/** For whom the device of a connection speaks, and which talk it carries on. */
export function createStandings(deps: {
  db: Db
  clock: Clock
  registry: Pick<Registry, 'bindingOf'>
  identity: Pick<Identity, 'actorFor'>
}) {
  const { clock, registry } = deps
  const db = deps.db.withTables<TurnTables>()
  const conversations = new WeakMap<Connection, { key: string; id: string | null }>()

  return {
    /** Null: it is nobody's. @throws AppError `auth.forbidden` when the owner may not talk */
    async of(connection: Connection): Promise<Standing | null> {
      const device_id = connection.caller.device?.device_id
      const binding = device_id ? await registry.bindingOf(device_id) : null
      if (!device_id || !binding) return null
      const owner = await deps.identity.actorFor(binding.owner_id)
      if (!owner?.permissions.has('devices.use')) throw forbidden({ permission: 'devices.use' })
      if (!owner.permissions.has('chat.use')) throw forbidden({ permission: 'chat.use' })
      connection.locale = owner.locale
      const { owner_id: user_id, bot_id, name, binding_id } = binding
      const key = `${binding_id} ${bot_id}`
      let talk = conversations.get(connection)
      if (talk?.key !== key) {
        const since = new Date(clock.now() - sameTalk_ms).toISOString()
        talk = {
          key,
          id: await turnStore.lastConversation(db.primary, { device_id, user_id, bot_id, since }),
        }
        conversations.set(connection, talk)
      }
      return { user_id, bot_id, conversation_id: talk.id, locale: owner.locale, name }
    },
    /** The talk that it was in goes on here. */
    carryOn(connection: Connection, conversation_id: string) {
      const talk = conversations.get(connection)
      if (talk) talk.id = conversation_id
    },
  }
}
