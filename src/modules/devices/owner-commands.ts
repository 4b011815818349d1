import type { Db } from '#core/db/db.ts'
import type { Page } from '#core/http/page.ts'
import type { Actor } from '#core/http/route.ts'
import type { Commands } from './commands.ts'
import { type Command, type CommandView, commandNotFound } from './contract.ts'
import { accessOf, assertAccess } from './devices.ts'
import type { DevicesTables } from './tables.ts'

export type OwnerCommands = ReturnType<typeof createOwnerCommands>

/** Commands of the owner and the family: those given under the present ownership, and no others. */
export function createOwnerCommands(deps: { db: Db; commands: Commands }) {
  const db = deps.db.withTables<DevicesTables>()
  const { commands } = deps
  return {
    /** @throws AppError `device.not_found`, `device.too_many_commands` */
    async send(
      { user_id }: Pick<Actor, 'user_id'>,
      device_id: string,
      input: { command: Command; expires_in_s?: number | undefined },
    ): Promise<CommandView> {
      const { binding_id } = await assertAccess(db.primary, user_id, device_id)
      return commands.send({
        device_id,
        binding_id,
        created_by: user_id,
        command: input.command,
        ...(input.expires_in_s === undefined ? {} : { expires_in_ms: input.expires_in_s * 1000 }),
      })
    },

    /** @throws AppError `device.not_found` */
    async list(
      { user_id }: Actor,
      device_id: string,
      query: { limit: number; cursor?: string | undefined },
    ): Promise<Page<CommandView>> {
      const { binding_id } = await assertAccess(db.primary, user_id, device_id)
      return commands.list(device_id, { ...query, binding_id })
    },

    /** @throws AppError `command.not_found`, `command.not_open` */
    async cancel({ user_id }: Actor, command_id: string): Promise<void> {
      const row = await db.primary
        .selectFrom('devices_command')
        .select('device_id')
        .where('id', '=', command_id)
        .executeTakeFirst()
      const access = row ? await accessOf(db.primary, user_id, row.device_id) : null
      if (!row || !access) throw commandNotFound()
      await commands.cancel(row.device_id, command_id, access.binding_id)
    },
  }
}
