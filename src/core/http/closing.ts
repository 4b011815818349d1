import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * The way to close a server: running requests finish, and those that take longer than `ms` are cut. Node itself would
 * wait for connections on which nothing was asked yet, as browsers open them ahead, and for those whose last request
 * ends meanwhile.
 */
export function closingOf(fastify: FastifyInstance): (ms: number) => Promise<void> {
  const { server } = fastify
  /** Connections, by how many requests are open on each. */
  const open = new Map<Socket, number>()
  let isClosing = false
  server.on('connection', (socket: Socket) => {
    open.set(socket, 0)
    socket.once('close', () => open.delete(socket))
  })
  // What was upgraded ends with its own door.
  server.on('upgrade', (_: IncomingMessage, socket: Socket) => open.delete(socket))
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const change = (by: number) => {
      const count = open.get(socket)
      if (count === undefined) return
      open.set(socket, count + by)
      if (isClosing && count + by === 0) socket.destroySoon()
    }
    change(1)
    response.once('close', () => change(-1))
  })
  return async ms => {
    isClosing = true
    const timer = setTimeout(() => server.closeAllConnections(), ms)
    const closed = fastify.close()
    for (const [socket, count] of open) if (count === 0) socket.destroySoon()
    await closed
    clearTimeout(timer)
  }
}
