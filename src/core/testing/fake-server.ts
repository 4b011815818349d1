import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request that a fake upstream got. */
export type RecordedRequest = {
  method: string
  path: string
  headers: IncomingHttpHeaders
  /** Parsed JSON; null when there was none. */
  body: Record<string, unknown> | null
  /** Settles with true when the client hung up before the answer was over, with false when it read it all. */
  aborted: Promise<boolean>
}

export type FakeServer = {
  /** Without a slash at the end. */
  url: string
  requests: RecordedRequest[]
  stop(): Promise<void>
}

/** A loopback HTTP server that records requests and answers with `handle`. */
export async function startFakeServer(
  handle: (request: RecordedRequest, response: ServerResponse, count: number) => Promise<void>,
): Promise<FakeServer> {
  const requests: RecordedRequest[] = []
  const server = createServer((incoming, response) => {
    response.on('error', () => {})
    void receive(incoming, response)
  })
  const receive = async (incoming: IncomingMessage, response: ServerResponse) => {
    const text = await readAll(incoming).catch(() => null)
    // The client went away before it had asked for anything.
    if (text === null) return
    const recorded: RecordedRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: text === '' ? null : (JSON.parse(text) as Record<string, unknown>),
      aborted: new Promise(resolve => response.once('close', () => resolve(!response.writableFinished))),
    }
    requests.push(recorded)
    await handle(recorded, response, requests.length)
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop() {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Writes and waits until the bytes are handed to the system, so that each write is a packet of its own. */
export const write = (response: ServerResponse, bytes: Buffer | string): Promise<void> =>
  new Promise(resolve => {
    if (response.destroyed) resolve()
    else response.write(bytes, () => resolve())
  })

/** Waits, or less if the client hangs up. */
export const pause = (response: ServerResponse, ms: number): Promise<void> =>
  new Promise(resolve => {
    if (response.destroyed) return resolve()
    const timer = setTimeout(done, ms)
    function done() {
      clearTimeout(timer)
      response.off('close', done)
      resolve()
    }
    response.once('close', done)
  })
