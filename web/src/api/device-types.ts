/** The devices' part of `types.ts`: types of the SDK under the names that the app has for them. */
import type { Device, DeviceCommandView, RouteBody, RouteQuery, RouteResponse } from '@banyan/sdk'

export type {
  Device,
  DeviceBatch as Batch,
  DeviceBroadcast as Broadcast,
  DeviceCommand,
  DeviceCommandView as CommandView,
  DeviceFirmware as Firmware,
  DeviceGroup as Group,
  DeviceHistoryEntry as HistoryEntry,
  DeviceImport,
  DeviceMediaItem as MediaItem,
  DeviceMember as Member,
  DeviceOffer as Offer,
  DeviceRegistration as Registration,
  DeviceStateView as DeviceState,
  DeviceType,
} from '@banyan/sdk'

export type JsonObject = Record<string, unknown>

export type Presence = Device['presence']
export type DevicePatch = RouteBody<'PATCH /api/v1/devices/devices/{id}'>
export type CommandState = DeviceCommandView['state']

/* What operators see. */

export type DeviceTypePatch = RouteBody<'PATCH /api/v1/devices/types/{id}'>
export type BatchInput = RouteBody<'POST /api/v1/devices/batches'>
export type RegistrationFilter = Omit<RouteQuery<'GET /api/v1/devices/registrations'>, 'limit' | 'cursor'>
export type RegistrationPatch = RouteBody<'PATCH /api/v1/devices/registrations/{id}'>
export type RegistrationCounts = RouteResponse<'GET /api/v1/devices/registration-counts'>
export type FirmwarePatch = RouteBody<'PATCH /api/v1/devices/firmware-releases/{id}'>

/* The library of music and dances */

export type MediaFilter = Omit<RouteQuery<'GET /api/v1/devices/media'>, 'limit' | 'cursor'>
export type MediaPatch = RouteBody<'PATCH /api/v1/devices/media/{id}'>
