import { catalog } from '#catalog'
import type { TestApp } from '#core/testing/app.ts'
import type { FakeOpenaiScript } from '#core/testing/fake-openai.ts'
import { startChatApp } from '#modules/chat/testing.ts'
import { signUp, type TestUser } from '#modules/identity/testing.ts'
import {
  connectDevice,
  type Received,
  type SimulatedDevice,
  type SimulatorOptions,
} from '../simulator/device.ts'
import { claimedDevice } from '../testing.ts'

/** Devices and what they stand on, with the scripted recogniser, eSpeak, and a fake model server. */
export async function startTalkApp(
  options: { script?: FakeOpenaiScript; settings?: Record<string, string> } = {},
) {
  const names = ['identity', 'notifications', 'billing', 'chat', 'cards', 'devices']
  const loaded = await Promise.all(names.map(name => catalog[name]?.()))
  return startChatApp({
    modules: loaded.flatMap(module => module?.default ?? []),
    ...(options.script ? { script: options.script } : {}),
    settings: {
      SPEECH_RECOGNIZER: 'scripted',
      SPEECH_SYNTHESIZER: 'espeak',
      SPEECH_SCRIPT: '你好，你是谁？',
      DEVICES_START_UPS_PER_MINUTE: '0',
      ...options.settings,
    },
  })
}

export type TestDevice = SimulatedDevice & {
  id: string
  mac: string
  client_id: string
  token: string
  owner: TestUser
}

export const socketUrl = ({ url }: Pick<TestApp, 'url'>): string =>
  `${url.replace('http', 'ws')}/api/v1/devices/ws`

/** A device of a new user (or of `owner`), connected. */
export async function talkingDevice(
  app: TestApp,
  options: Partial<SimulatorOptions> & { owner?: TestUser } = {},
): Promise<TestDevice> {
  const owner = options.owner ?? (await signUp(app))
  const device = await claimedDevice(app, owner)
  const connected = await connectDevice({ ...device, url: socketUrl(app), ...options })
  return { ...connected, ...device, owner }
}

export const isError =
  (code: string) =>
  ({ type, code: told }: Received) =>
    type === 'error' && told === code

/** Still there, and understood. */
export async function expectAlive(device: Pick<TestDevice, 'send' | 'waitFor' | 'messages'>) {
  const from = device.messages.length
  device.send({ type: 'ping' })
  await device.waitFor(({ type }) => type === 'pong', { from })
}

/** An app of a user: a socket with a user token and no device. */
export const userSocket = (app: Pick<TestApp, 'url'>, token: string, query = '') =>
  connectDevice({
    url: `${socketUrl(app)}?token=${token}${query}`,
    token: '',
    mac: '',
    client_id: '',
    hello: null,
    credentials: 'address',
  })
