import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/**
 * Sends a body as it comes, one system call for each piece. Node's own chunked encoding hands a piece to the kernel
 * in four parts (length, line end, piece, line end), which takes a fifth of all that a streamed token costs. Leaving
 * destroys the body; a body that breaks cuts the connection, so that nobody takes the part for the whole.
 *
 * @param headers beside those that are set on the reply.
 */
export function sendStream(
  reply: FastifyReply,
  headers: Record<string, string>,
  body: Readable,
): FastifyReply {
  const { raw } = reply
  reply.hijack()
  raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...headers })
  raw.flushHeaders()
  raw.once('close', () => body.destroy())
  body.once('error', () => raw.destroy())
  const { socket } = raw
  // HTTP/1.0 knows no chunks, and an answer behind another one on its connection has no socket yet.
  if (socket === null || !raw.chunkedEncoding) {
    body.pipe(raw)
    return reply
  }
  const resume = () => body.resume()
  socket.on('drain', resume)
  body.on('data', (piece: Buffer) => {
    if (!writeChunk(socket, piece)) body.pause()
  })
  body.once('end', () => raw.end())
  body.once('close', () => socket.off('drain', resume))
  return reply
}

/** One chunk of RFC 9112, section 7.1. False when the socket would rather wait. */
function writeChunk(socket: Socket, piece: Buffer): boolean {
  const length = piece.length.toString(16)
  const chunk = Buffer.allocUnsafe(length.length + piece.length + 4)
  let at = chunk.write(length, 'latin1')
  at = chunk.writeUInt16BE(lineEnd, at)
  at += piece.copy(chunk, at)
  chunk.writeUInt16BE(lineEnd, at)
  return socket.write(chunk)
}

/** CR LF */
const lineEnd = 0x0d0a
