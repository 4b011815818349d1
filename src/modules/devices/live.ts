import { isId } from '#core/ids.ts'
import type { Log } from '#core/log.ts'
import type { ChannelDefinition } from '#core/realtime/channels.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import type { Network } from './tables.ts'

export type Presence = {
  is_online: boolean
  last_seen_at: string | null
  battery: number | null
  network: Network | null
  firmware_version: string | null
}

/** What is said on `devices.device.{id}`. What changed is read again, but for the presence, which is said whole. */
export type DeviceNews =
  | { type: 'device.presence'; presence: Presence }
  | { type: 'device.updated' | 'state.updated' | 'commands.updated' }

/** What is said on `devices.user.{id}`: the list of devices, or what others offer, has changed. */
export type UserNews = { type: 'devices.updated' | 'offers.updated' }

/**
 * What the connection of a device hears, in whichever process it is: work waits (`commands`, `desired`), its owner, its
 * family or its bot changed, so that it may have to go (`binding`), or it must, because its token is void (`revoked`).
 */
export type SocketNews = { type: 'commands' | 'desired' | 'binding' | 'revoked' }

const deviceChannel = (id: string): string => `devices.device.${id}`
const userChannel = (id: string): string => `devices.user.${id}`
/** Inside the house only: no listener from outside is let in, since no channel definition matches it. */
export const socketChannel = (id: string): string => `devices.socket.${id}`

/** Who may listen to a device: its owner, the family, and operators. */
export const devicesChannels = (mayRead: (user_id: string, device_id: string) => Promise<boolean>) =>
  [
    {
      pattern: 'devices.device.:id',
      authorize: async (actor, { id = '' }) =>
        isId(id) && (actor.permissions.has('devices.registry.read') || (await mayRead(actor.user_id, id))),
    },
    { pattern: 'devices.user.:id', authorize: async (actor, { id }) => actor.user_id === id },
  ] satisfies ChannelDefinition[]

export type Live = ReturnType<typeof createLive>

/** Called after the transaction has committed. News that is lost is no error: whoever listens reads the rows again. */
export function createLive({ realtime, log }: { realtime: Pick<Realtime, 'publish'>; log: Log }) {
  async function publish(channel: string, news: DeviceNews | UserNews | SocketNews) {
    try {
      await realtime.publish(channel, news)
    } catch (error) {
      log.warn({ error }, 'a live update was lost')
    }
  }
  return {
    presence: (id: string, presence: Presence) =>
      publish(deviceChannel(id), { type: 'device.presence', presence }),
    device: (id: string, type: 'device.updated' | 'state.updated' | 'commands.updated') =>
      publish(deviceChannel(id), { type }),
    user: (id: string, type: UserNews['type']) => publish(userChannel(id), { type }),
    socket: (id: string, type: SocketNews['type']) => publish(socketChannel(id), { type }),
  }
}
