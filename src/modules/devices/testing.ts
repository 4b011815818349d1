import { randomBytes } from 'node:crypto'
import { newId } from '#core/ids.ts'
import type { TestApp } from '#core/testing/app.ts'
import {
  type AccessContext,
  admins,
  anyone,
  type ModuleAccess,
  of,
  own,
  signedIn,
  type TestUser,
} from '#modules/identity/testing.ts'

type Door = Pick<TestApp, 'fetch'>

/** A device of the tests: what makes it this one. */
export type TestDevice = { mac: string; client_id: string }

/** A MAC that nobody has had before. The second bit of the first byte says that it is made up. */
export const newMac = (): string =>
  ['02', ...Array.from(randomBytes(5), byte => byte.toString(16).padStart(2, '0'))].join(':')

export const newDevice = (mac = newMac()): TestDevice => ({ mac, client_id: newId() })

const headersOf = ({ mac, client_id }: TestDevice) => ({
  'content-type': 'application/json',
  'device-id': mac,
  'client-id': client_id,
})

export type StartedUp = {
  server_time: { timestamp: number; timezone_offset: number }
  firmware: { version: string; url: string; force?: number }
  websocket: { url: string; token: string; version: number }
  activation?: { message: string; code?: string; challenge: string; timeout_ms: number }
}

/** What a device does when it is switched on. */
export async function startUp(app: Door, device: TestDevice, body: object = {}) {
  const response = await app.fetch('/api/v1/devices/ota/', {
    method: 'POST',
    headers: headersOf(device),
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as StartedUp & { code?: string } }
}

/** Asks whether it has an owner by now. */
export async function activate(app: Door, device: TestDevice, body: object = {}) {
  const response = await app.fetch('/api/v1/devices/ota/activate', {
    method: 'POST',
    headers: headersOf(device),
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as { code?: string } }
}

export async function claim(app: Door, user: Pick<TestUser, 'headers'>, code: string) {
  const response = await app.fetch('/api/v1/devices/claims', {
    method: 'POST',
    headers: { ...user.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  })
  return {
    status: response.status,
    body: (await response.json()) as { id: string; code?: string; is_primary: boolean; name: string },
    headers: response.headers,
  }
}

/** A device that starts up and is claimed: its id, and the token for its connection. */
export async function claimedDevice(app: Door, owner: Pick<TestUser, 'headers'>, device = newDevice()) {
  const { body } = await startUp(app, device)
  const code = body.activation?.code
  if (!code) throw new Error(`The device has no code: ${JSON.stringify(body)}`)
  const claimed = await claim(app, owner, code)
  if (claimed.status !== 201) throw new Error(`The claim failed: ${JSON.stringify(claimed.body)}`)
  return { ...device, id: claimed.body.id, token: body.websocket.token }
}

/** JSON in, JSON out, below `/api/v1/devices`. */
export async function callDevices<T>(
  app: Door,
  method: string,
  path: string,
  { headers }: Pick<TestUser, 'headers'>,
  body?: object,
) {
  const response = await app.fetch(`/api/v1/devices${path}`, {
    method,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T & { code?: string } }
}

/** Sends a file, as the multipart field `file`. */
export async function uploadTo<T>(
  app: Door,
  path: string,
  { headers }: Pick<TestUser, 'headers'>,
  content: Uint8Array<ArrayBuffer> | string,
  name = 'file',
) {
  const form = new FormData()
  form.append('file', new Blob([content]), name)
  const response = await app.fetch(`/api/v1/devices${path}`, { method: 'POST', headers, body: form })
  return { status: response.status, body: (await response.json()) as T & { code?: string } }
}

/* How each kind of thing comes to be, for the access matrix. */
const device = async (owner: TestUser, { app }: AccessContext) => (await claimedDevice(app, owner)).id
const command = async (owner: TestUser, context: AccessContext) =>
  context.post(`/devices/devices/${await device(owner, context)}/commands`, owner, anyCommand)
const offerOut = async (owner: TestUser, context: AccessContext) =>
  context.post(`/devices/devices/${await device(owner, context)}/offers`, owner, { kind: 'member' })
/** Somebody else offers a device to `owner`. */
const offerIn = async (owner: TestUser, context: AccessContext) =>
  context.post(`/devices/devices/${await device(context.admin, context)}/offers`, context.admin, {
    kind: 'member',
    username: owner.user.username,
  })
const offerLink = async (_: TestUser, context: AccessContext) => {
  const { admin, ask } = context
  const path = `/api/v1/devices/devices/${await device(admin, context)}/offers`
  const response = await ask('POST', path, admin, { kind: 'member' })
  const { url_path } = (await response.json()) as { url_path: string }
  return url_path.split('=')[1] ?? ''
}
const typeId = async ({ ask, admin }: AccessContext) => {
  const { items } = (await (await ask('GET', '/api/v1/devices/types', admin)).json()) as {
    items: { id: string }[]
  }
  return items[0]?.id ?? ''
}
const type = (_: TestUser, { post, admin }: AccessContext) =>
  post('/devices/types', admin, { key: `t${newId().slice(-12)}`, name: 'Type', category: 'toy' })
const batch = async (_: TestUser, context: AccessContext) =>
  context.post('/devices/batches', context.admin, { type_id: await typeId(context), name: 'Batch' })
const upload = async ({ app, admin }: AccessContext, path: string, text: string) =>
  (await uploadTo<{ id: string }>(app, path, admin, text)).body.id
const imported = async (owner: TestUser, context: AccessContext) =>
  upload(context, `/batches/${await batch(owner, context)}/imports`, newMac())
const firmware = async (_: TestUser, context: AccessContext) => {
  const version = `1.${Math.floor(Math.random() * 1e6)}.${Math.floor(Math.random() * 1e6)}`
  return upload(context, `/firmware-releases?type_id=${await typeId(context)}&version=${version}`, 'bytes')
}
const media = (_: TestUser, context: AccessContext) => upload(context, '/media?kind=dance&title=Dance', '{}')
const group = (_: TestUser, { post, admin }: AccessContext) =>
  post('/devices/groups', admin, { name: `group ${newId()}` })
const broadcast = (_: TestUser, { post, admin }: AccessContext) =>
  post('/devices/broadcasts', admin, anyCommand)
const anyCommand = { command: { kind: 'reboot' } }

/** Who may do what here: see `src/access-matrix.test.ts`. */
export const access: ModuleAccess = {
  routes: {
    'GET /api/v1/devices/ota': anyone,
    'POST /api/v1/devices/ota': anyone,
    'OPTIONS /api/v1/devices/ota': anyone,
    'POST /api/v1/devices/ota/activate': anyone,
    'OPTIONS /api/v1/devices/ota/activate': anyone,
    'POST /api/v1/devices/vision': anyone,
    'OPTIONS /api/v1/devices/vision': anyone,

    'GET /api/v1/devices/ws': anyone,
    'GET /api/v1/devices/ws/schema': anyone,
    'GET /api/v1/devices/devices/:id/turns': of(own, device),
    'GET /api/v1/devices/devices/:id/turn-statistics': of(own, device),
    'GET /api/v1/devices/turn-statistics': admins,

    'POST /api/v1/devices/claims': signedIn,
    'GET /api/v1/devices/devices': signedIn,
    'GET /api/v1/devices/devices/:id': of(own, device),
    'PATCH /api/v1/devices/devices/:id': of(own, device),
    'DELETE /api/v1/devices/devices/:id': of(own, device),
    'GET /api/v1/devices/devices/:id/history': of(own, device),
    'GET /api/v1/devices/devices/:id/state': of(own, device),
    'PATCH /api/v1/devices/devices/:id/state': of(own, device, { desired: { volume: 30 } }),
    'GET /api/v1/devices/devices/:id/commands': of(own, device),
    'POST /api/v1/devices/devices/:id/commands': of(own, device, anyCommand),
    'DELETE /api/v1/devices/commands/:id': of(own, command),
    'GET /api/v1/devices/devices/:id/members': of(own, device),
    'DELETE /api/v1/devices/devices/:id/members/:user_id': of({ ...own, owner: 404 }, device),
    'GET /api/v1/devices/devices/:id/offers': of(own, device),
    'POST /api/v1/devices/devices/:id/offers': of(own, device, { kind: 'member' }),
    'GET /api/v1/devices/offers': signedIn,
    'POST /api/v1/devices/offers/:id/accept': of(own, offerIn),
    'DELETE /api/v1/devices/offers/:id': of(own, offerOut),
    'GET /api/v1/devices/offer-links/:token': of(signedIn, offerLink),
    'POST /api/v1/devices/offer-links/:token/accept': of(signedIn, offerLink),

    'GET /api/v1/devices/types': admins,
    'POST /api/v1/devices/types': admins,
    'PATCH /api/v1/devices/types/:id': of(admins, type),
    'DELETE /api/v1/devices/types/:id': of(admins, type),
    'GET /api/v1/devices/batches': admins,
    'POST /api/v1/devices/batches': admins,
    'GET /api/v1/devices/batches/:id': of(admins, batch),
    'PATCH /api/v1/devices/batches/:id': of(admins, batch),
    'GET /api/v1/devices/batches/:id/imports': of(admins, batch),
    'POST /api/v1/devices/batches/:id/imports': of(admins, batch),
    'GET /api/v1/devices/imports/:id': of(admins, imported),
    'GET /api/v1/devices/registrations': admins,
    'GET /api/v1/devices/registration-counts': admins,
    'POST /api/v1/devices/registrations': admins,
    'GET /api/v1/devices/registrations/:id': of(admins, device),
    'PATCH /api/v1/devices/registrations/:id': of(admins, device),
    'POST /api/v1/devices/registrations/:id/release': of(admins, device),
    'GET /api/v1/devices/registrations/:id/history': of(admins, device),
    'GET /api/v1/devices/registrations/:id/commands': of(admins, device),
    'POST /api/v1/devices/registrations/:id/commands': of(admins, device, anyCommand),
    'GET /api/v1/devices/groups': admins,
    'POST /api/v1/devices/groups': admins,
    'PATCH /api/v1/devices/groups/:id': of(admins, group),
    'DELETE /api/v1/devices/groups/:id': of(admins, group),
    'PATCH /api/v1/devices/groups/:id/devices': of(admins, group),
    'GET /api/v1/devices/broadcasts': admins,
    'POST /api/v1/devices/broadcasts': admins,
    'GET /api/v1/devices/broadcasts/:id': of(admins, broadcast),
    'POST /api/v1/devices/broadcasts/:id/cancel': of(admins, broadcast),
    'GET /api/v1/devices/firmware-releases': admins,
    'POST /api/v1/devices/firmware-releases': admins,
    'GET /api/v1/devices/firmware-releases/:id': of(admins, firmware),
    'PATCH /api/v1/devices/firmware-releases/:id': of(admins, firmware),
    'DELETE /api/v1/devices/firmware-releases/:id': of(admins, firmware),
    'GET /api/v1/devices/weather': signedIn,
    'GET /api/v1/devices/media': signedIn,
    'POST /api/v1/devices/media': admins,
    'GET /api/v1/devices/media/:id': of(signedIn, media),
    'PATCH /api/v1/devices/media/:id': of(admins, media),
    'DELETE /api/v1/devices/media/:id': of(admins, media),
    'GET /api/v1/devices/media/:id/content': of(signedIn, media),
    'GET /api/v1/devices/media-files/:token': of(
      { anonymous: 404, other: 404, outsider: 404, admin: 404, owner: 404 },
      async () => 'forged',
    ),
    'GET /api/v1/devices/firmware-files/:token': of(
      { anonymous: 404, other: 404, outsider: 404, admin: 404, owner: 404 },
      async () => 'forged',
    ),
  },
  channels: {
    'devices.device.:id': of({ ...own, admin: 'ok' }, device),
    'devices.user.:id': of(own, async owner => owner.user.id),
  },
}
