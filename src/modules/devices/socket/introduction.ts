import type { Log } from '#core/log.ts'
import type { Registry } from '../registry.ts'
import type { States } from '../state.ts'
import type { Connection } from './connection.ts'
import type { Delivery } from './delivery.ts'

/** How the device is, in its own words: the loudspeaker, the battery, the network. */
const statusTool = 'self.get_device_status'

/** What happens once a device has greeted: it says what it can do and how it is, and is told what waits for it. */
export function createIntroduction({
  registry,
  states,
  delivery,
  log,
}: {
  registry: Pick<Registry, 'touch'>
  states: Pick<States, 'recordReported'>
  delivery: Delivery
  log: Log
}) {
  async function askStatus(connection: Connection) {
    const device_id = connection.caller.device?.device_id
    if (!device_id) return
    try {
      const status: unknown = JSON.parse((await connection.mcp?.call(statusTool, {})) ?? '')
      if (typeof status !== 'object' || status === null || Array.isArray(status)) return
      await states.recordReported(device_id, { ...status })
      const level = 'battery' in status && typeof status.battery === 'object' && status.battery
      if (level && 'level' in level && typeof level.level === 'number')
        await registry.touch(device_id, { battery: level.level })
    } catch (error) {
      log.debug({ error }, 'a device did not say how it is')
    }
  }

  return async function introduce(connection: Connection) {
    const { mcp } = connection
    try {
      if (mcp) connection.tools = await mcp.start()
    } catch (error) {
      log.debug({ error }, 'a device did not say what it can do')
    }
    if (connection.mcp !== mcp) return
    connection.is_introduced = true
    delivery.commands(connection)
    await delivery.desired(connection)
    if (mcp && connection.tools.some(({ name }) => name === statusTool)) await askStatus(connection)
  }
}
