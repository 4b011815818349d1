import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

/** Errors that every service has, each in its own words. */
export type FakeError = 'key' | 'rate' | 'server' | 'rejected'

/** How a service fails. Each holds for one connection or request, unless `keep` says for all that follow. */
export type SpeechFault =
  /** Refuses the connection or the request over HTTP. */
  | { is: 'refused'; status: number; body?: string }
  /** Breaks the connection before it stands. */
  | { is: 'dropped' }
  /** Takes the connection and never answers its handshake. */
  | { is: 'deaf' }
  /** Takes what it gets and says nothing. */
  | { is: 'silent' }
  /** Waits before it answers, in milliseconds. */
  | { is: 'slow'; ms: number }
  /** Breaks the connection in the middle of an answer. */
  | { is: 'cut' }
  /** Sends half of a WebSocket frame and breaks the connection. */
  | { is: 'half_frame' }
  /** Sends what no such service would. */
  | { is: 'malformed' }
  /** Closes as the protocol wants it, but too early. */
  | { is: 'closed' }
  /** Reports an error of its own, in its own code. */
  | { is: 'error'; what: FakeError }

/** One utterance that a fake heard. */
export type FakeRecognition = {
  /** Bytes of sound so far. */
  bytes: number
  /** What was asked for, in the service's own words. */
  parameters: Record<string, unknown>
  /** Settles when the caller has gone: after the final text, or before. */
  over: Promise<'finished' | 'cancelled'>
}

/** One text that a fake was given to speak. */
export type FakeUtterance = {
  text: string
  parameters: Record<string, unknown>
  over: Promise<'finished' | 'cancelled'>
}

/** A loopback server that speaks one service's protocol and checks whatever the service would check. */
export type FakeSpeech = {
  /** Environment that leads the driver here, keys included. */
  env: Record<string, string>
  /** The sentences that every utterance turns out to be. */
  heard: string[]
  fail(fault: SpeechFault, keep?: 'keep'): void
  /** Fails no more. */
  heal(): void
  recognitions: FakeRecognition[]
  utterances: FakeUtterance[]
  /** WebSockets that were accepted, or requests that were. */
  readonly connections: number
  /** Connections that stand. */
  readonly open: number
  /** Breaks all connections that stand. */
  hangUp(): void
  stop(): Promise<void>
}

/** One connection to a fake that speaks WebSocket. */
export type FakeConnection = {
  socket: WebSocket
  raw: Duplex
  url: URL
  headers: IncomingMessage['headers']
  fault: SpeechFault | null
  closed: Promise<void>
}

/** Sound of a fake for a text: 100 ms a character, so that length tells what was spoken; at `sample_rate`. */
export function fakeSound(text: string, sample_rate: number): Int16Array {
  const pcm = new Int16Array(Math.round([...text].length * 0.1 * sample_rate))
  for (let i = 0; i < pcm.length; i++)
    pcm[i] = Math.round(9_000 * Math.sin((2 * Math.PI * 220 * i) / sample_rate))
  return pcm
}

/** The bytes of samples in pieces that do not end where samples do. */
export function* soundPieces(pcm: Int16Array): Iterable<Buffer> {
  const bytes = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength)
  for (let at = 0; at < bytes.length; at += 4_001) yield bytes.subarray(at, at + 4_001)
}

/** What a fake of any service needs: a server, faults in turn, and a WebSocket for each connection. */
export async function startFakeSockets(handle: {
  /** A refusal of this upgrade, or null. */
  check(url: URL, headers: IncomingMessage['headers']): { status: number; body: string } | null
  connect(connection: FakeConnection): void
  http?(request: IncomingMessage, response: ServerResponse): void
}) {
  const faults: { fault: SpeechFault; keep: boolean }[] = []
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const server = createServer((request, response) => {
    if (handle.http) handle.http(request, response)
    else response.writeHead(404).end()
  })
  const raws = new Set<Duplex>()
  let connections = 0
  const nextFault = (): SpeechFault | null => {
    const next = faults[0]
    if (next && !next.keep) faults.shift()
    return next?.fault ?? null
  }
  server.on('upgrade', (request, raw: Duplex, head) => {
    raw.on('error', () => {})
    raws.add(raw)
    raw.on('close', () => raws.delete(raw))
    const url = new URL(request.url ?? '', 'http://fake')
    const fault = nextFault()
    if (fault?.is === 'deaf') return
    if (fault?.is === 'dropped') return void raw.destroy()
    const refusal = fault?.is === 'refused' ? { body: '', ...fault } : handle.check(url, request.headers)
    if (refusal) {
      raw.end(
        `HTTP/1.1 ${refusal.status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(refusal.body)}\r\nConnection: close\r\n\r\n${refusal.body}`,
      )
      return
    }
    sockets.handleUpgrade(request, raw, head, socket => {
      connections += 1
      const closed = new Promise<void>(resolve => socket.on('close', () => resolve()))
      socket.on('error', () => {})
      handle.connect({ socket, raw, url, headers: request.headers, fault, closed })
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    http: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    nextFault,
    fail(fault: SpeechFault, keep?: 'keep') {
      faults.splice(0, faults.length, ...faults.filter(each => !each.keep))
      faults.push({ fault, keep: keep === 'keep' })
    },
    heal() {
      faults.length = 0
    },
    get connections() {
      return connections
    },
    get open() {
      return sockets.clients.size
    },
    hangUp() {
      for (const socket of sockets.clients) socket.terminate()
    },
    stop(): Promise<void> {
      for (const raw of raws) raw.destroy()
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

/** Does what a connection's fault says, in the middle of an answer. False: it has none that would show here. */
export function strike(
  { socket, raw, fault }: FakeConnection,
  own: { malformed: string | Buffer; error(what: FakeError): void },
): boolean {
  switch (fault?.is) {
    case 'silent':
      return true
    case 'cut':
      socket.terminate()
      return true
    case 'half_frame':
      // A binary frame that announces 1,024 bytes and brings three.
      raw.write(Buffer.from([0x82, 0x7e, 0x04, 0x00, 1, 2, 3]), () => raw.destroy())
      return true
    case 'malformed':
      socket.send(own.malformed)
      return true
    case 'closed':
      socket.close(1000)
      return true
    case 'error':
      own.error(fault.what)
      return true
    default:
      return false
  }
}

/** Waits as long as a slow connection does, then acts if there is still somebody. */
export function whenDue({ socket, fault }: FakeConnection, act: () => void): void {
  if (fault?.is !== 'slow') act()
  else
    setTimeout(() => {
      if (socket.readyState === socket.OPEN) act()
    }, fault.ms).unref()
}

/** Records whether something was finished before the caller went. */
export function createOver(closed: Promise<void>) {
  const { promise, resolve } = Promise.withResolvers<'finished' | 'cancelled'>()
  void closed.then(() => resolve('cancelled'))
  return { over: promise, finish: () => resolve('finished') }
}
