import { createHash } from 'node:crypto'
import { z } from 'zod'

/** Who a simulated device is. The same name gives the same device again. */
export type SimulatedIdentity = { mac: string; client_id: string }

export function identityOf(name: string): SimulatedIdentity {
  const bytes = createHash('sha256').update(`banyan simulated device ${name}`).digest('hex')
  // The second bit of the first byte says that the address was made up.
  const mac = ['02', ...(bytes.slice(0, 10).match(/../g) ?? [])].join(':')
  const variant = '89ab'[Number.parseInt(bytes[30] ?? '0', 16) % 4]
  const client_id = `${bytes.slice(10, 18)}-${bytes.slice(18, 22)}-4${bytes.slice(23, 26)}-${variant}${bytes.slice(31, 34)}-${bytes.slice(34, 46)}`
  return { mac, client_id }
}

const StartUpAnswer = z.looseObject({
  websocket: z.looseObject({ url: z.string(), token: z.string(), version: z.int().optional() }),
  activation: z
    .looseObject({ message: z.string(), code: z.string().optional(), challenge: z.string().optional() })
    .optional(),
})
export type StartUpAnswer = z.output<typeof StartUpAnswer>

const timeout_ms = 15_000

const headersOf = ({ mac, client_id }: SimulatedIdentity) => ({
  'content-type': 'application/json',
  'activation-version': '1',
  'device-id': mac,
  'client-id': client_id,
  'user-agent': 'banyan-simulator/1.0.0',
  'accept-language': 'zh-CN',
})

/** What a device asks when it is switched on. @throws {Error} with the server's answer when that is no 200 */
export async function startUp(server: string, identity: SimulatedIdentity): Promise<StartUpAnswer> {
  const response = await fetch(new URL('/api/v1/devices/ota', server), {
    method: 'POST',
    headers: headersOf(identity),
    body: JSON.stringify({
      version: 2,
      mac_address: identity.mac,
      uuid: identity.client_id,
      application: { name: 'simulator', version: '1.0.0' },
      board: { type: 'simulator', name: 'simulator' },
    }),
    signal: AbortSignal.timeout(timeout_ms),
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`The server answers ${response.status}: ${text.slice(0, 500)}`)
  return StartUpAnswer.parse(JSON.parse(text))
}

/** Whether somebody has claimed the device by now. */
export async function isActivated(server: string, identity: SimulatedIdentity): Promise<boolean> {
  const response = await fetch(new URL('/api/v1/devices/ota/activate', server), {
    method: 'POST',
    headers: headersOf(identity),
    body: '{}',
    signal: AbortSignal.timeout(timeout_ms),
  })
  await response.arrayBuffer()
  return response.status === 200
}
