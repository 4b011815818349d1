import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { FakeConnection, FakeExchange, FakeSpeech, SpeechFault } from './fake-speech.ts'

/** What makes a fake one service and not another. */
export type FakeProtocol = {
  /** A refusal of a WebSocket, or null. Without it there are none. */
  check?(url: URL, headers: IncomingMessage['headers']): { status: number; body: string } | null
  connect?(connection: FakeConnection): void
  /** Answers a request that no fault has answered. Without it there are none. */
  answer?(exchange: FakeExchange): Promise<void>
  /** What stands beside the service, such as tokens: it takes no fault and does not count. True: answered. */
  beside?(request: IncomingMessage, response: ServerResponse): boolean
}

export type FakeService = Omit<FakeSpeech, 'env'> & { http: string; ws: string }

/** What every fake begins as: a server, faults in turn, and what was asked of it. */
export async function startFakeService(protocol: FakeProtocol): Promise<FakeService> {
  const faults = createFaults()
  const exchanges = serveRequests(protocol, faults.next)
  const server = createServer((request, response) => {
    response.on('error', () => {})
    if (!protocol.beside?.(request, response)) exchanges.serve(request, response)
  })
  const sockets = serveSockets(protocol, faults.next)
  server.on('upgrade', sockets.upgrade)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    http: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    heard: ['今天天气怎么样？'],
    recognitions: [],
    utterances: [],
    fail: faults.add,
    heal: faults.clear,
    get connections() {
      return exchanges.count + sockets.count
    },
    get open() {
      return exchanges.open + sockets.open
    },
    hangUp() {
      sockets.hangUp()
      server.closeAllConnections()
    },
    stop() {
      sockets.stop()
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

/** A fake with the environment that leads to it. */
export const withEnv = <T extends object>(service: FakeService, more: T & { env: Record<string, string> }) =>
  Object.assign(service, more)

function createFaults() {
  let faults: { fault: SpeechFault; keep: boolean }[] = []
  return {
    next(): SpeechFault | null {
      const next = faults[0]
      if (next && !next.keep) faults.shift()
      return next?.fault ?? null
    },
    add(fault: SpeechFault, keep?: 'keep') {
      faults = [...faults.filter(each => !each.keep), { fault, keep: keep === 'keep' }]
    },
    clear() {
      faults = []
    },
  }
}

function serveRequests({ answer }: FakeProtocol, nextFault: () => SpeechFault | null) {
  const waiting = new Set<ServerResponse>()
  let count = 0
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat((await request.toArray()) as Buffer[])
    if (!answer) return void response.writeHead(404).end()
    count += 1
    waiting.add(response)
    const closed = new Promise<void>(resolve => response.once('close', () => resolve()))
    void closed.then(() => waiting.delete(response))
    const fault = nextFault()
    if (fault?.is === 'deaf') return
    if (fault?.is === 'dropped') return void response.destroy()
    if (fault?.is === 'refused') return void response.writeHead(fault.status).end(fault.body ?? '')
    await answer({ request, body, response, fault, closed })
  }
  return {
    serve(request: IncomingMessage, response: ServerResponse) {
      serve(request, response).catch(() => response.destroy())
    },
    get count() {
      return count
    },
    get open() {
      return waiting.size
    },
  }
}

function serveSockets({ check, connect }: FakeProtocol, nextFault: () => SpeechFault | null) {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const raws = new Set<Duplex>()
  let count = 0
  const refuse = (raw: Duplex, { status, body = '' }: { status: number; body?: string }) =>
    raw.end(
      `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    )
  return {
    upgrade(request: IncomingMessage, raw: Duplex, head: Buffer) {
      raw.on('error', () => {})
      raws.add(raw)
      raw.on('close', () => raws.delete(raw))
      const url = new URL(request.url ?? '', 'http://fake')
      const fault = nextFault()
      // Read, though not answered: whoever does not read does not see the caller go.
      if (fault?.is === 'deaf') return void raw.on('end', () => raw.destroy()).resume()
      if (fault?.is === 'dropped') return void raw.destroy()
      if (fault?.is === 'refused') return void refuse(raw, fault)
      const refusal = connect ? (check?.(url, request.headers) ?? null) : { status: 404 }
      if (refusal) return void refuse(raw, refusal)
      sockets.handleUpgrade(request, raw, head, socket => {
        count += 1
        const closed = new Promise<void>(resolve => socket.on('close', () => resolve()))
        socket.on('error', () => {})
        connect?.({ socket, raw, url, headers: request.headers, fault, closed })
      })
    },
    get count() {
      return count
    },
    get open() {
      return raws.size
    },
    hangUp() {
      for (const socket of sockets.clients) socket.terminate()
    },
    stop() {
      for (const raw of raws) raw.destroy()
    },
  }
}
