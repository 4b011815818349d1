import { type QueryKey, useQuery } from '@tanstack/react-query'
import { api, newIdempotencyKey, type Query } from './client.ts'
import type {
  Batch,
  BatchInput,
  Broadcast,
  CommandView,
  Device,
  DeviceCommand,
  DeviceImport,
  DevicePatch,
  DeviceState,
  DeviceType,
  DeviceTypePatch,
  Firmware,
  FirmwarePatch,
  Group,
  HistoryEntry,
  JsonObject,
  MediaFilter,
  MediaItem,
  MediaPatch,
  Member,
  Offer,
  Registration,
  RegistrationCounts,
  RegistrationFilter,
  RegistrationPatch,
} from './device-types.ts'
import { usePages, useWrite } from './query.ts'
import type { Items, Job } from './types.ts'

export const deviceKeys = {
  mine: ['devices', 'mine'] as const,
  device: (id: string) => ['devices', 'device', id] as const,
  state: (id: string) => ['devices', 'device', id, 'state'] as const,
  commands: (id: string) => ['devices', 'device', id, 'commands'] as const,
  members: (id: string) => ['devices', 'device', id, 'members'] as const,
  outgoing: (id: string) => ['devices', 'device', id, 'offers'] as const,
  history: (id: string) => ['devices', 'device', id, 'history'] as const,
  offers: ['devices', 'offers'] as const,
  types: ['devices', 'types'] as const,
  batches: ['devices', 'batches'] as const,
  imports: ['devices', 'imports'] as const,
  registrations: ['devices', 'registrations'] as const,
  groups: ['devices', 'groups'] as const,
  broadcasts: ['devices', 'broadcasts'] as const,
  firmware: ['devices', 'firmware'] as const,
  media: ['devices', 'media'] as const,
  piece: (id: string) => ['devices', 'piece', id] as const,
}

const useRead = <T>(
  key: QueryKey,
  path: string,
  options: {
    query?: Query
    enabled?: boolean
    refetchInterval?: number | false | ((query: { state: { data?: T | undefined } }) => number | false)
  } = {},
) => {
  const { query = {}, ...rest } = options
  return useQuery<T>({
    queryKey: options.query ? [...key, query] : key,
    queryFn: ({ signal }) => api.get<T>(path, { query, signal }),
    ...rest,
  })
}

/* My devices */

export const useDevices = () => useRead<Items<Device>>(deviceKeys.mine, '/devices/devices')
export const useDevice = (id: string) => useRead<Device>(deviceKeys.device(id), `/devices/devices/${id}`)
export const useClaim = () =>
  useWrite((code: string) => api.post<Device>('/devices/claims', { code }), deviceKeys.mine)
export const useChangeDevice = (id: string) =>
  useWrite(
    (patch: DevicePatch) => api.patch<Device>(`/devices/devices/${id}`, patch),
    deviceKeys.mine,
    deviceKeys.device(id),
  )
export const useReleaseDevice = (id: string) =>
  useWrite(() => api.delete(`/devices/devices/${id}`), deviceKeys.mine)
export const useDeviceState = (id: string) =>
  useRead<DeviceState>(deviceKeys.state(id), `/devices/devices/${id}/state`)
export const useSetDesired = (id: string) =>
  useWrite(
    (desired: JsonObject) => api.patch<DeviceState>(`/devices/devices/${id}/state`, { desired }),
    deviceKeys.state(id),
  )
export const useCommands = (id: string) =>
  usePages<CommandView>(deviceKeys.commands(id), `/devices/devices/${id}/commands`, {}, { limit: 20 })
export const useSendCommand = (id: string) =>
  useWrite(
    (command: DeviceCommand) =>
      api.post<CommandView>(
        `/devices/devices/${id}/commands`,
        { command },
        { idempotencyKey: newIdempotencyKey() },
      ),
    deviceKeys.commands(id),
  )
export const useCancelCommand = (deviceId: string) =>
  useWrite((id: string) => api.delete(`/devices/commands/${id}`), deviceKeys.commands(deviceId))
export const useMembers = (id: string) =>
  useRead<Items<Member>>(deviceKeys.members(id), `/devices/devices/${id}/members`)
export const useRemoveMember = (id: string) =>
  useWrite(
    (userId: string) => api.delete(`/devices/devices/${id}/members/${userId}`),
    deviceKeys.members(id),
    deviceKeys.mine,
  )
export const useOutgoingOffers = (id: string, enabled: boolean) =>
  useRead<Items<Offer>>(deviceKeys.outgoing(id), `/devices/devices/${id}/offers`, { enabled })
export const useMakeOffer = (id: string) =>
  useWrite(
    (input: { kind: Offer['kind']; username?: string }) =>
      api.post<Offer>(`/devices/devices/${id}/offers`, input, { idempotencyKey: newIdempotencyKey() }),
    deviceKeys.outgoing(id),
  )
export const useOffers = () => useRead<Items<Offer>>(deviceKeys.offers, '/devices/offers')
export const useOfferLink = (token: string) =>
  useRead<Offer>([...deviceKeys.offers, token], `/devices/offer-links/${encodeURIComponent(token)}`, {
    enabled: token !== '',
  })
export const useAcceptOffer = () =>
  useWrite(
    (which: { id: string } | { token: string }) =>
      api.post<Device>(
        'id' in which
          ? `/devices/offers/${which.id}/accept`
          : `/devices/offer-links/${encodeURIComponent(which.token)}/accept`,
      ),
    deviceKeys.offers,
    deviceKeys.mine,
  )
export const useRemoveOffer = () => useWrite((id: string) => api.delete(`/devices/offers/${id}`), ['devices'])
export const useDeviceHistory = (id: string) =>
  usePages<HistoryEntry>(deviceKeys.history(id), `/devices/devices/${id}/history`, {}, { limit: 20 })

/* Operators */

export const useDeviceTypes = () => useRead<Items<DeviceType>>(deviceKeys.types, '/devices/types')
export const useSaveDeviceType = () =>
  useWrite(
    ({ id, ...input }: DeviceTypePatch & { id?: string }) =>
      id
        ? api.patch<DeviceType>(`/devices/types/${id}`, input)
        : api.post<DeviceType>('/devices/types', input),
    deviceKeys.types,
  )
export const useDeleteDeviceType = () =>
  useWrite((id: string) => api.delete(`/devices/types/${id}`), deviceKeys.types)
export const useBatches = () => usePages<Batch>(deviceKeys.batches, '/devices/batches')
export const useBatch = (id: string) => useRead<Batch>([...deviceKeys.batches, id], `/devices/batches/${id}`)
export const useCreateBatch = () =>
  useWrite(
    (input: BatchInput) =>
      api.post<Batch>('/devices/batches', input, { idempotencyKey: newIdempotencyKey() }),
    deviceKeys.batches,
  )
export const useImports = (batchId: string) =>
  useRead<Items<DeviceImport>>([...deviceKeys.imports, batchId], `/devices/batches/${batchId}/imports`)
export const useImport = (id: string | undefined) =>
  useRead<DeviceImport>([...deviceKeys.imports, 'one', id], `/devices/imports/${id}`, {
    enabled: id !== undefined,
    refetchInterval: ({ state }) =>
      state.data && ['queued', 'running'].includes(state.data.state) ? 1000 : false,
  })
/** The job that reads a large list: how far it is. */
export const useImportJob = (id: string | null) =>
  useRead<Job>([...deviceKeys.imports, 'job', id], `/jobs/${id}`, {
    enabled: id !== null,
    refetchInterval: 1000,
  })
export const useImportList = (batchId: string) =>
  useWrite(
    (file: File) => api.upload<DeviceImport>('POST', `/devices/batches/${batchId}/imports`, file),
    deviceKeys.imports,
    deviceKeys.batches,
    deviceKeys.registrations,
  )
export const useRegistrations = (filter: RegistrationFilter) =>
  usePages<Registration>(deviceKeys.registrations, '/devices/registrations', filter)
export const useRegistrationCounts = () =>
  useRead<RegistrationCounts>([...deviceKeys.registrations, 'counts'], '/devices/registration-counts')
export const useRegistration = (id: string) =>
  useRead<Registration>([...deviceKeys.registrations, id], `/devices/registrations/${id}`)
export const useRegistrationHistory = (id: string) =>
  usePages<HistoryEntry>([...deviceKeys.registrations, id, 'history'], `/devices/registrations/${id}/history`)
export const useChangeRegistration = () =>
  useWrite(
    ({ id, ...patch }: RegistrationPatch & { id: string }) =>
      api.patch<Registration>(`/devices/registrations/${id}`, patch),
    deviceKeys.registrations,
  )
export const useReleaseRegistration = () =>
  useWrite(
    (id: string) => api.post<Registration>(`/devices/registrations/${id}/release`),
    deviceKeys.registrations,
  )
export const useGroups = () => useRead<Items<Group>>(deviceKeys.groups, '/devices/groups')
export const useSaveGroup = () =>
  useWrite(
    ({ id, ...input }: { id?: string; name: string; description?: string }) =>
      id ? api.patch<Group>(`/devices/groups/${id}`, input) : api.post<Group>('/devices/groups', input),
    deviceKeys.groups,
  )
export const useDeleteGroup = () =>
  useWrite((id: string) => api.delete(`/devices/groups/${id}`), deviceKeys.groups)
export const useGroupDevices = () =>
  useWrite(
    ({ id, ...change }: { id: string; add?: string[]; remove?: string[] }) =>
      api.patch<Group>(`/devices/groups/${id}/devices`, change),
    deviceKeys.groups,
    deviceKeys.registrations,
  )
export const useBroadcasts = (refetchInterval: number | false) =>
  usePages<Broadcast>(deviceKeys.broadcasts, '/devices/broadcasts', {}, { refetchInterval })
export const useCreateBroadcast = () =>
  useWrite(
    (input: { command: DeviceCommand; type_id?: string; group_id?: string }) =>
      api.post<Broadcast>('/devices/broadcasts', input, { idempotencyKey: newIdempotencyKey() }),
    deviceKeys.broadcasts,
  )
export const useCancelBroadcast = () =>
  useWrite((id: string) => api.post<Broadcast>(`/devices/broadcasts/${id}/cancel`), deviceKeys.broadcasts)
export const useFirmware = () => usePages<Firmware>(deviceKeys.firmware, '/devices/firmware-releases')
export const useUploadFirmware = () =>
  useWrite(
    ({ file, ...query }: { file: File; type_id: string; version: string }) =>
      api.upload<Firmware>('POST', '/devices/firmware-releases', file, { query }),
    deviceKeys.firmware,
  )
export const useChangeFirmware = () =>
  useWrite(
    ({ id, ...patch }: FirmwarePatch & { id: string }) =>
      api.patch<Firmware>(`/devices/firmware-releases/${id}`, patch),
    deviceKeys.firmware,
  )
export const useDeleteFirmware = () =>
  useWrite((id: string) => api.delete(`/devices/firmware-releases/${id}`), deviceKeys.firmware)

/* The library of music and dances */

export const mediaPath = (id: string): string => `/devices/media/${id}/content`
export const useMedia = (filter: MediaFilter) =>
  usePages<MediaItem>(deviceKeys.media, '/devices/media', filter)
export const useMediaItem = (id: string) => useRead<MediaItem>(deviceKeys.piece(id), `/devices/media/${id}`)
export const useChangeMedia = (id: string) =>
  useWrite(
    (patch: MediaPatch) => api.patch<MediaItem>(`/devices/media/${id}`, patch),
    deviceKeys.media,
    deviceKeys.piece(id),
  )
export const useDeleteMedia = () =>
  useWrite((id: string) => api.delete(`/devices/media/${id}`), deviceKeys.media)
