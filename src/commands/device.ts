import { readFileSync, writeFileSync } from 'node:fs'
import { StartError } from '#core/errors.ts'
import { createOpusDecoder } from '#core/speech/opus.ts'
import { joinPcm, resample } from '#core/speech/resample.ts'
import type { Pcm } from '#core/speech/types.ts'
import { readWav, writeWav } from '#core/speech/wav.ts'
import { connectDevice, type SimulatedDevice } from '#modules/devices/simulator/device.ts'
import {
  identityOf,
  isActivated,
  type SimulatedIdentity,
  type StartUpAnswer,
  startUp,
} from '#modules/devices/simulator/start-up.ts'

export type DeviceOptions = {
  /** Address of the server. */
  server?: string | undefined
  /** The same name is the same device again. */
  name?: string | undefined
  count?: string | undefined
  text?: string | undefined
  wav?: string | undefined
  out?: string | undefined
  /** A user's API token: the devices are claimed with it, instead of by hand. */
  token?: string | undefined
}

const pollEvery_ms = 3000
const mostDevices = 10_000

/**
 * `banyan device simulate`: devices that speak the real protocol. Each starts up, shows its six digits until somebody
 * claims it, asks one question (a text, or the sound of a WAV file), and the answer is written as WAV.
 */
export async function deviceCommand(action: string | undefined, options: DeviceOptions): Promise<void> {
  if (action !== 'simulate')
    throw new StartError('There is one thing to do with devices here: banyan device simulate.')
  const server = options.server ?? `http://localhost:${process.env.PORT ?? 8080}`
  const count = Number(options.count ?? 1)
  if (!Number.isInteger(count) || count < 1 || count > mostDevices)
    throw new StartError(`--count is a whole number from 1 to ${mostDevices}.`)
  // Nobody answers what was not said.
  if (options.text?.trim() === '') throw new StartError('--text is empty. Give it a question.')
  if (options.out && count > 1) throw new StartError('--out writes one answer; leave it out, or --count.')
  const sound = options.wav ? soundOf(options.wav) : null
  const name = options.name ?? 'simulator'
  const times = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      simulate({
        ...options,
        server,
        sound,
        identity: identityOf(count === 1 ? name : `${name} ${index + 1}`),
      }),
    ),
  )
  if (count === 1) return
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.min(count - 1, Math.floor(count * share))] ?? 0)
  say(`${count} devices: question → first sound ${at(0.5)} ms (median), ${at(0.95)} ms (p95)`)
}

type Job = DeviceOptions & { server: string; identity: SimulatedIdentity; sound: Pcm | null }

/** Milliseconds from the question (with sound: from its recognised text) to the first sound. */
async function simulate(job: Job): Promise<number> {
  const { server, identity } = job
  const { websocket } = await untilClaimed(job)
  const device = await connectDevice({ ...identity, ...websocket }).catch(error => {
    throw new StartError(`${server} did not let the device ${identity.mac} in: ${(error as Error).message}`)
  })
  try {
    const asked = await ask(device, job)
    const stop = await device
      .waitFor(({ type, state }) => type === 'error' || (type === 'tts' && state === 'stop'), {
        timeout_ms: 300_000,
      })
      .catch((error: Error) => {
        throw new StartError(`${server} did not finish its answer. ${error.message}`)
      })
    if (stop.type === 'error') throw new StartError(`${server} did not take the question: ${stop.detail}`)
    for (const message of device.messages) {
      if (message.type === 'stt') say(`${identity.mac} 🎤 ${message.text}`)
      else if (message.type === 'alert') say(`${identity.mac} ⚠ ${message.message}`)
      else if (message.type === 'tts' && message.state === 'sentence_start')
        say(`${identity.mac} 🔊 ${message.text}`)
    }
    if (job.out) await write(device, job.out)
    return (device.packets[0]?.at ?? stop.at) - asked
  } finally {
    await device.close()
  }
}

async function ask(device: SimulatedDevice, { sound, wav, text = '你好' }: Job): Promise<number> {
  if (!sound) {
    // Not as a device that detected it: what sounds like a wake word would stay without an answer.
    device.send({ type: 'chat', text })
    return performance.now()
  }
  device.send({ type: 'listen', state: 'start', mode: 'auto' })
  await device.speak(sound, { silence_ms: 5000 })
  const heard = await device
    .waitFor(({ type }) => type === 'stt' || type === 'alert', { timeout_ms: 10_000 })
    .catch((error: Error) => {
      throw new StartError(`No words were heard in ${wav}. Is somebody speaking in it? ${error.message}`)
    })
  return heard.at
}

/** Starts up, and again until the device has an owner; its digits are printed, or claimed with the token. */
async function untilClaimed({ server, identity, token }: Job): Promise<StartUpAnswer> {
  for (let shown = ''; ; ) {
    const answer = await startUp(server, identity).catch((error: Error) => {
      const reason = error.cause instanceof Error ? error.cause.message : error.message
      throw new StartError(`${server} cannot be used: ${reason}`)
    })
    if (!answer.activation) return answer
    const { code = '', message } = answer.activation
    if (token && code) await claim(server, token, code)
    else if (shown !== code || shown === '') say(`${identity.mac} ${code || message}`)
    shown = code
    // Codes last ten minutes; then the device starts up again.
    for (let polls = 0; polls < 100; polls++) {
      if (await isActivated(server, identity)) break
      await new Promise(resolve => setTimeout(resolve, pollEvery_ms))
    }
  }
}

async function claim(server: string, token: string, code: string): Promise<void> {
  const response = await fetch(new URL('/api/v1/devices/claims', server), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ code }),
    signal: AbortSignal.timeout(15_000),
  })
  const text = await response.text()
  if (!response.ok) throw new StartError(`The device could not be claimed: ${text.slice(0, 500)}`)
}

function soundOf(path: string): Pcm {
  try {
    const { pcm, sample_rate } = readWav(readFileSync(path))
    return resample(pcm, sample_rate, 16_000)
  } catch (error) {
    throw new StartError(`${path} cannot be read: ${(error as Error).message}`)
  }
}

async function write(device: SimulatedDevice, path: string): Promise<void> {
  const decoder = await createOpusDecoder({ sample_rate: 24_000 })
  const pcm = joinPcm(device.packets.map(({ packet }) => decoder.decode(packet)))
  decoder.free()
  writeFileSync(path, writeWav(pcm, 24_000))
  say(`${path}: ${(pcm.length / 24_000).toFixed(1)} s`)
}

const say = (line: string) => process.stdout.write(`${line}\n`)
