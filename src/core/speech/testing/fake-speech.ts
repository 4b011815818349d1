import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { write } from '#core/testing/fake-server.ts'

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
  /** Keeps the connection, but brings no more than the beginning of an answer. */
  | { is: 'stalled' }
  /** The same, and says all the while that it is still there. */
  | { is: 'chatty' }
  /** Sends one message, or one answer, that is larger than any should be. */
  | { is: 'oversized' }
  /** Sends more and more, and never comes to the end. */
  | { is: 'endless' }
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
  /** Connections that stand, and requests that wait for their answer. */
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

/** One request to a fake that speaks HTTP; its body was read. */
export type FakeExchange = {
  request: IncomingMessage
  body: Buffer
  response: ServerResponse
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

/** What a service's own messages are where a fault needs one. */
export type FakeWords = {
  malformed: string | Buffer
  error(what: FakeError): void
  /** Goes on with the answer, for the nth time. */
  more(count: number): void
  /** Says that it is still there. */
  chat(): void
}

/** Does what a connection's fault says, in the middle of an answer. False: it has none that would show here. */
export function strike({ socket, raw, fault }: FakeConnection, own: FakeWords): boolean {
  switch (fault?.is) {
    case 'silent':
    case 'stalled':
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
    case 'chatty':
      keepOn(socket, own)
      return true
    case 'oversized':
      socket.send(Buffer.alloc(oversize))
      return true
    case 'endless':
      goOn(socket, own, 1)
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

/** More than the tests let pass, less than takes long. */
const oversize = 1024 * 1024

function goOn(socket: WebSocket, own: FakeWords, count: number) {
  if (socket.readyState !== socket.OPEN) return
  own.more(count)
  setImmediate(() => goOn(socket, own, count + 1))
}

function keepOn(socket: WebSocket, own: FakeWords) {
  const timer = setInterval(own.chat, 20)
  socket.on('close', () => clearInterval(timer))
}

/** Sends a body in pieces, and does in the middle what the fault says. True: it came to its end. */
export async function sendBody(
  { response, fault }: FakeExchange,
  pieces: Iterable<Buffer | string>,
): Promise<boolean> {
  for (const piece of pieces) {
    await write(response, piece)
    if (fault?.is === 'stalled' || fault?.is === 'chatty') return false
    if (fault?.is === 'cut' || fault?.is === 'half_frame' || fault?.is === 'closed') response.destroy()
    while (!response.destroyed && (fault?.is === 'endless' || fault?.is === 'oversized'))
      await write(response, Buffer.alloc(65_536, 'A'))
    if (response.destroyed) return false
  }
  response.end()
  return true
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
  return {
    over: promise,
    finish(isWhole = true) {
      if (isWhole) resolve('finished')
    },
  }
}
