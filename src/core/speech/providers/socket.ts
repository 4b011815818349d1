import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import type { Failures, SpeechFailure } from './failures.ts'
import type { Limits } from './limits.ts'

export type Frame = string | Buffer
export type Address = { url: string; headers?: Record<string, string> }

export type Socket = {
  send(frame: Frame): void
  /** Bytes that wait to be sent. */
  readonly backlog: number
  /** Stops and resumes reading, so that a slow listener slows the service down. */
  pause(): void
  resume(): void
  /** Closes at once; nothing is reported afterwards. */
  destroy(): void
  /** Takes leave as the protocol wants it; nothing is reported afterwards. */
  close(farewell: readonly Frame[]): void
}

const refusalBytes = 4096
/** How long the other side may take to close as well. */
const farewell_ms = 2_000

/** One WebSocket to a service. `onEnd` is told once why it is over: null is a close without an error. */
export function openSocket(
  { url, headers }: Address,
  options: {
    failures: Failures
    limits: Limits
    onOpen(): void
    onMessage(data: Buffer, isBinary: boolean): void
    onEnd(failure: SpeechFailure | null): void
    /** Everything that was given to `send` has left. */
    onDrain(): void
  },
): Socket {
  const { failures, limits } = options
  const socket = new WebSocket(url, {
    headers,
    handshakeTimeout: limits.connect_ms,
    maxPayload: limits.message_bytes,
    perMessageDeflate: false,
    followRedirects: false,
  })
  let isOver = false
  const end = (failure: SpeechFailure | null) => {
    if (isOver) return
    isOver = true
    socket.terminate()
    options.onEnd(failure)
  }
  socket.on('open', () => {
    if (!isOver) options.onOpen()
  })
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isOver) options.onMessage(data, isBinary)
  })
  watchEnd(socket, failures, end)
  const drained = () => {
    if (!isOver && socket.bufferedAmount === 0) options.onDrain()
  }
  return {
    send(frame) {
      if (!isOver && socket.readyState === WebSocket.OPEN) socket.send(frame, drained)
    },
    get backlog() {
      return socket.bufferedAmount
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    destroy() {
      isOver = true
      socket.terminate()
    },
    close(farewell) {
      isOver = true
      if (socket.readyState !== WebSocket.OPEN) return socket.terminate()
      socket.resume()
      for (const frame of farewell) socket.send(frame, () => {})
      socket.close(1000)
      setTimeout(() => socket.terminate(), farewell_ms).unref()
    },
  }
}

/** Tells how a socket ends; possibly in more than one way. */
function watchEnd(socket: WebSocket, failures: Failures, end: (failure: SpeechFailure | null) => void) {
  socket.on('unexpected-response', (_request, response) =>
    readRefusal(response, body => end(failures.ofResponse(response.statusCode ?? 0, body))),
  )
  // `ws` words a handshake that took too long as an error without a code.
  socket.on('error', error =>
    end(
      /handshake has timed out/.test(error.message)
        ? failures.of('timeout', error.message)
        : failures.from(error),
    ),
  )
  socket.on('close', code =>
    end(code === 1000 || code === 1005 ? null : failures.of('network', `closed with ${code}`)),
  )
}

/** The beginning of what a refusal says; it may break off. */
function readRefusal(response: IncomingMessage, done: (body: string) => void) {
  let body = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    body += chunk
    if (body.length > refusalBytes) response.destroy()
  })
  const refused = () => done(body.slice(0, refusalBytes))
  response.on('close', refused)
  response.on('error', refused)
}
