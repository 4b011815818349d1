import { ApiError, api, request } from '#api/client.ts'

/** What tells this device from others: its made-up address, and the random id of this installation. */
export type Identity = { mac: string; client_id: string }

type StartUp = { websocket: { token: string }; activation?: { code?: string } }

const storageKey = 'banyan.virtual-device'
/** How often a device asks whether it has an owner by now. */
const askEvery_ms = 3000

/** Made up once for this browser: it is the same device after a reload. */
export function identity(): Identity {
  const stored = localStorage.getItem(storageKey)
  if (stored) {
    const known: unknown = JSON.parse(stored)
    if (known && typeof known === 'object' && 'mac' in known && 'client_id' in known)
      return { mac: String(known.mac), client_id: String(known.client_id) }
  }
  const bytes = crypto.getRandomValues(new Uint8Array(15))
  const hex = [...bytes].map(byte => byte.toString(16).padStart(2, '0'))
  // Not `randomUUID`, which only pages under HTTPS have.
  const made = { mac: ['02', ...hex.slice(0, 5)].join(':'), client_id: hex.slice(5).join('') }
  localStorage.setItem(storageKey, JSON.stringify(made))
  return made
}

const headersOf = ({ mac, client_id }: Identity) => ({ 'device-id': mac, 'client-id': client_id })

/** @throws {ApiError} when the device is refused, or nobody answers */
export function startUp(me: Identity, signal: AbortSignal): Promise<StartUp> {
  const body = { application: { version: '1.0.0' }, board: { type: 'virtual', name: 'virtual' } }
  return api.post('/devices/ota', body, { headers: headersOf(me), signal })
}

/**
 * Asks now and then until the device has an owner, or until its digits hold no longer: then it starts up again.
 * @throws {ApiError} when nobody answers
 */
export async function untilAnswered(me: Identity, signal: AbortSignal): Promise<void> {
  for (;;) {
    await pause(signal)
    try {
      const { status } = await request(
        'POST',
        '/devices/ota/activate',
        {},
        { headers: headersOf(me), signal },
      )
      if (status === 200) return
    } catch (error) {
      if (error instanceof ApiError && error.status > 0) return
      throw error
    }
  }
}

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, askEvery_ms)
    signal.addEventListener('abort', stop)
  })
