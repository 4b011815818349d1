import type { IncomingMessage } from 'node:http'
import { type Locale, unauthenticated } from '#core/errors.ts'
import { localeOf } from '#core/http/locale.ts'
import type { Actor } from '#core/http/route.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { DeviceIdentity, Registry } from '../registry.ts'
import type { Arrival } from './arrival.ts'
import { deviceRefused } from './errors.ts'
import type { FramingVersion } from './framing.ts'

/** Who came in. Without a device it is an app that speaks for its user. */
export type Caller = {
  device: DeviceIdentity | null
  /** The user, where a user token or the web app's cookie opened the door. */
  actor: Actor | null
  locale: Locale
  /** As the header says; the greeting may say otherwise. */
  framing: FramingVersion
  /** What a device signed in with by itself. */
  credentials: DeviceCredentials | null
} & Arrival

export type DeviceCredentials = Parameters<Registry['authenticateDevice']>[0]

export type CredentialDeps = {
  registry: Pick<Registry, 'authenticateDevice'>
  identity: Pick<Identity, 'authenticateUpgrade'>
  /** The device of this MAC or id, if the user may use it. */
  deviceOfUser(user_id: string, named: string): Promise<DeviceIdentity | null>
  arrivalOf(request: IncomingMessage): Arrival
}

/** Longer ones are nobody's. */
const longestToken = 4096

/**
 * Who asks to come in. Devices send `Authorization`, `Device-Id` and `Client-Id` as headers; pages, which cannot, as
 * `authorization` (or `token`), `device-id` and `client-id` of the query. A user token, or the cookie of our own
 * pages, opens the door for an app, and with `device-id` for a device of that user.
 * @throws AppError `device_socket.refused`, `auth.required`
 */
export async function identify(deps: CredentialDeps, request: IncomingMessage, url: URL): Promise<Caller> {
  const { headers } = request
  const given = (name: string): string => {
    const value = headers[name]
    return (typeof value === 'string' && value !== '' ? value : url.searchParams.get(name))?.trim() ?? ''
  }
  const token = bare(given('authorization')) || (url.searchParams.get('token') ?? '')
  const named = given('device-id')
  const version = given('protocol-version')
  const common = {
    locale: localeOf(headers['accept-language']),
    framing: (version === '2' || version === '3' ? Number(version) : 1) as FramingVersion,
    ...deps.arrivalOf(request),
  }
  if (token.length > longestToken) throw deviceRefused()
  if (named !== '' && token !== '') {
    const credentials = { mac: named, client_id: given('client-id'), token }
    const device = await deps.registry.authenticateDevice(credentials)
    if (device) return { ...common, device, actor: null, credentials }
  }
  const actor = await deps.identity.authenticateUpgrade(withToken(request, token))
  if (!actor) throw named === '' ? unauthenticated() : deviceRefused()
  const device = named === '' ? null : await deps.deviceOfUser(actor.user_id, named)
  if (named !== '' && !device) throw deviceRefused()
  return { ...common, device, actor, credentials: null, locale: actor.locale }
}

/** Whether a device that came in may stay. Users’ own connections are the hub’s to end. */
export async function mayStay(
  { registry, deviceOfUser }: Pick<CredentialDeps, 'registry' | 'deviceOfUser'>,
  { device, actor, credentials }: Caller,
): Promise<boolean> {
  if (credentials) return (await registry.authenticateDevice(credentials)) !== null
  if (device && actor) return (await deviceOfUser(actor.user_id, device.device_id)) !== null
  return true
}

const bare = (authorization: string): string => authorization.replace(/^bearer(?:\s+|$)/i, '')

/** The identity module looks for the token in the header. */
function withToken(request: IncomingMessage, token: string): IncomingMessage {
  if (token === '') return request
  return {
    url: '/api/v1/devices/ws',
    headers: { ...request.headers, authorization: `Bearer ${token}` },
  } as IncomingMessage
}
