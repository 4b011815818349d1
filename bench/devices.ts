import { fileURLToPath } from 'node:url'
import { createOpusEncoder } from '#core/speech/opus.ts'
import { joinPcm } from '#core/speech/resample.ts'
import { connectDevice, type SimulatedDevice } from '../src/modules/devices/simulator/device.ts'
import { roomNoise, voiceLike } from '../src/modules/devices/simulator/sound.ts'
import { identityOf, type SimulatedIdentity, startUp } from '../src/modules/devices/simulator/start-up.ts'
import { type Banyan, startBanyan } from './banyan.ts'
import { freePort, percentile, residentKilobytes, start } from './processes.ts'
import type { Figure } from './run.ts'

const upstreamProgram = fileURLToPath(new URL('voice-upstream.ts', import.meta.url))
const idleDevices = 5000
const speakers = 100
const rounds = 5
const frame_ms = 60

/** Devices on one process: idle ones, and a hundred that talk at once, with a model and a voice that are instant. */
export async function benchDevices(): Promise<Figure[]> {
  return [...(await benchIdle()), ...(await benchTurns()), ...(await benchSpeakers())]
}

const settings = { DEVICES_START_UPS_PER_MINUTE: '0', DEVICES_IDLE_SECONDS: '3600' }

async function withServer<T>(
  answer: { sentences: number; seconds: number },
  work: (banyan: Banyan) => Promise<T>,
): Promise<T> {
  const port = await freePort()
  const upstream = await start([process.execPath, upstreamProgram], port, {
    SENTENCES: String(answer.sentences),
    SECONDS: String(answer.seconds),
  })
  const url = `http://127.0.0.1:${port}/v1`
  const banyan = await startBanyan({
    ...settings,
    OPENAI_COMPATIBLE_URL: url,
    AI_DEFAULT_MODEL: 'bench',
    OPENAI_SPEECH_URL: url,
    SPEECH_SYNTHESIZER: 'openai',
    SPEECH_RECOGNIZER: 'scripted',
    SPEECH_SCRIPT: '今天天气怎么样？',
  })
  try {
    // All devices are one person's, who asks more than any plan allows.
    const me = await banyan.api<{ id: string }>('GET', '/api/v1/users/me')
    const unlimited = {
      plan: 'vip',
      until: null,
      overrides: { 'ai.requests_per_day': null, 'ai.tokens_per_day': null },
    }
    await banyan.api('PUT', `/api/v1/billing/users/${me.id}`, unlimited)
    return await work(banyan)
  } finally {
    await banyan.stop()
    await upstream.stop()
  }
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function inTurn<T>(count: number, width: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (let at = 0; at < count; at += width)
    made.push(
      ...(await Promise.all(Array.from({ length: Math.min(width, count - at) }, (_, i) => make(at + i)))),
    )
  return made
}

async function connect(banyan: Banyan, identity: SimulatedIdentity): Promise<SimulatedDevice> {
  const { websocket } = await startUp(banyan.url, identity)
  return connectDevice({ ...identity, ...websocket })
}

async function benchIdle(): Promise<Figure[]> {
  return withServer({ sentences: 1, seconds: 1 }, async banyan => {
    // From a server that has just started: what the first device brings about is counted too, since a collector that
    // gives back what starting up left would make a later beginning too kind.
    await settled(banyan.pid)
    const before = residentKilobytes(banyan.pid)
    const all = await inTurn(idleDevices, 20, index => connect(banyan, identityOf(`idle ${index}`)))
    await settled(banyan.pid)
    const each = (residentKilobytes(banyan.pid) - before) / idleDevices
    for (const { webSocket } of all) webSocket.terminate()
    return [
      {
        name: `${idleDevices} idle devices on one process, memory each`,
        value: each,
        unit: 'KB',
        bar: '≤ 60 KB',
        reached: each <= 60,
      },
    ]
  })
}

/** The resident memory has stopped moving. */
async function settled(pid: number) {
  let last = 0
  for (let calm = 0; calm < 4; ) {
    await pause(500)
    const now = residentKilobytes(pid)
    calm = Math.abs(now - last) < 500 ? calm + 1 : 0
    last = now
  }
}

async function claimed(banyan: Banyan, count: number): Promise<SimulatedDevice[]> {
  const devices: SimulatedDevice[] = []
  for (let i = 0; i < count; i++) {
    const identity = identityOf(`speaker ${i}`)
    const { activation } = await startUp(banyan.url, identity)
    await banyan.api('POST', '/api/v1/devices/claims', { code: activation?.code })
    devices.push(await connect(banyan, identity))
  }
  return devices
}

/** The same packets for everybody, encoded once: what is measured is the server. */
async function utterance(): Promise<Uint8Array[]> {
  const encoder = await createOpusEncoder({ sample_rate: 16_000, frame_ms: 60 })
  const pcm = joinPcm([roomNoise(300), voiceLike(900), roomNoise(1500)])
  const packets: Uint8Array[] = []
  for (let at = 0; at + encoder.frame_size <= pcm.length; at += encoder.frame_size)
    packets.push(encoder.encode(pcm.subarray(at, at + encoder.frame_size)))
  encoder.free()
  return packets
}

async function ask(device: SimulatedDevice, packets: readonly Uint8Array[]) {
  const from = device.messages.length
  device.send({ type: 'listen', state: 'start', mode: 'auto' })
  const started = performance.now()
  for (const [i, packet] of packets.entries()) {
    if (device.messages.slice(from).some(({ type }) => type === 'stt')) break
    device.sendAudio(packet)
    await pause(Math.max(0, started + (i + 1) * frame_ms - performance.now()))
  }
  await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop', { from, timeout_ms: 60_000 })
}

type Statistics = { total: { turns: number; stages: Record<string, { p50_ms: number; p95_ms: number }> } }

async function benchTurns(): Promise<Figure[]> {
  const packets = await utterance()
  const measure = (inStep: boolean) =>
    withServer({ sentences: 1, seconds: 2 }, async banyan => {
      const devices = await claimed(banyan, speakers)
      // The first turns of a process compile what the later ones run.
      await inTurn(10, 1, index => ask(devices[index] as SimulatedDevice, packets))
      const warm = await banyan.api<Statistics>('GET', '/api/v1/devices/turn-statistics?days=1')
      const times: number[] = []
      for (let round = 0; round < rounds; round++) {
        await Promise.all(
          devices.map(async device => {
            // People do not speak in chorus: their turns overlap, their last syllables seldom coincide.
            if (!inStep) await pause(Math.random() * 3000)
            await ask(device, packets)
          }),
        )
      }
      await pause(1000)
      for (const { webSocket } of devices) webSocket.terminate()
      const rows = await turnsOf(banyan)
      for (const { outcome, error_code, first_audio_ms } of rows.slice(0, rows.length - warm.total.turns)) {
        if (first_audio_ms === null) throw new Error(`A turn was not answered: ${outcome} ${error_code}`)
        times.push(first_audio_ms)
      }
      return { times, silence: rows[0]?.silence_ms ?? 0 }
    })
  const apart = await measure(false)
  const together = await measure(true)
  const figure = (name: string, value: number, limit: number | null): Figure => ({
    name,
    value,
    unit: 'ms',
    ...(limit === null ? {} : { bar: `≤ ${limit} ms`, reached: value <= limit }),
  })
  return [
    figure('silence that the end of speech waits for', apart.silence, null),
    figure(`${speakers} turns at once, end of speech → first packet, p50`, percentile(apart.times, 0.5), 40),
    figure(
      `${speakers} turns at once, end of speech → first packet, p95`,
      percentile(apart.times, 0.95),
      100,
    ),
    figure(
      `${speakers} ends of speech in the same instant → first packet, p50`,
      percentile(together.times, 0.5),
      null,
    ),
    figure(
      `${speakers} ends of speech in the same instant → first packet, p95`,
      percentile(together.times, 0.95),
      null,
    ),
  ]
}

type TurnRow = {
  outcome: string
  error_code: string | null
  first_audio_ms: number | null
  silence_ms: number | null
}

async function turnsOf(banyan: Banyan): Promise<TurnRow[]> {
  const { items } = await banyan.api<{ items: { id: string }[] }>('GET', '/api/v1/devices/devices?limit=100')
  const rows: (TurnRow & { started_at: string })[] = []
  for (const { id } of items) {
    const page = await banyan.api<{ items: (TurnRow & { started_at: string })[] }>(
      'GET',
      `/api/v1/devices/devices/${id}/turns?limit=100`,
    )
    rows.push(...page.items)
  }
  return rows.sort((a, b) => (a.started_at < b.started_at ? 1 : -1))
}

/** Asks for a long answer; resolves when it begins. */
async function tell(device: SimulatedDevice) {
  const from = device.messages.length
  device.send({ type: 'listen', state: 'detect', text: '讲个长故事' })
  const isBegun = ({ type, state }: { type: string; state?: unknown }) =>
    type === 'tts' && state === 'sentence_start'
  await device.waitFor(isBegun, { from, timeout_ms: 60_000 })
}

async function benchSpeakers(): Promise<Figure[]> {
  return withServer({ sentences: 8, seconds: 3 }, async banyan => {
    const devices = await claimed(banyan, speakers)
    // The first answers of a process compile what the later ones run.
    await inTurn(10, 5, async index => {
      const device = devices[index] as SimulatedDevice
      await tell(device)
      await pause(1000)
      device.send({ type: 'abort' })
    })
    await pause(1000)
    for (const { packets } of devices) packets.length = 0
    await Promise.all(
      devices.map(async device => {
        await pause(Math.random() * 3000)
        await tell(device)
      }),
    )
    await pause(12_000)
    const errors: number[] = []
    let most = 0
    for (const { packets } of devices) {
      const times = packets.map(({ at }) => at)
      const first = times[0] ?? 0
      times.forEach((at, n) => {
        if (n >= 5) errors.push(Math.abs(at - first - (n - 4) * frame_ms))
      })
      most = Math.max(most, mostAhead(times))
    }
    const silences = await Promise.all(
      devices.map(async device => {
        await pause(Math.random() * 2000)
        const from = device.messages.length
        const asked = performance.now()
        device.send({ type: 'abort' })
        const { at } = await device.waitFor(({ type, state }) => type === 'tts' && state === 'stop', { from })
        await pause(500)
        return Math.max(at, device.packets.at(-1)?.at ?? 0) - asked
      }),
    )
    for (const { webSocket } of devices) webSocket.terminate()
    const [error, silence] = [percentile(errors, 0.99), percentile(silences, 0.99)]
    return [
      {
        name: `pacing error under ${speakers} speakers, p99`,
        value: error,
        unit: 'ms',
        bar: '≤ 20 ms',
        reached: error <= 20,
      },
      {
        name: 'most packets ahead of a device',
        value: most,
        unit: 'packets',
        bar: '≤ 6',
        reached: most <= 6,
      },
      {
        name: `abort → silence, ${speakers} speakers, p99`,
        value: silence,
        unit: 'ms',
        bar: '≤ 100 ms',
        reached: silence <= 100,
      },
    ]
  })
}

/** Most packets that a device which plays one every 60 ms ever had in hand. */
function mostAhead(times: readonly number[]): number {
  let most = 0
  let playedUntil = 0
  for (const at of times) {
    playedUntil = Math.max(at, playedUntil) + frame_ms
    most = Math.max(most, Math.ceil((playedUntil - at) / frame_ms - 0.5))
  }
  return most
}
