import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { closingOf } from './closing.ts'

/** A server that begins its answers, and ends them once it may. */
async function startServer() {
  const server = fastify({ keepAliveTimeout: 600_000, forceCloseConnections: 'idle' })
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
  async function* answer() {
    yield 'do'
    await mayEnd
    yield 'ne'
  }
  server.get('/', () => Readable.from(answer()))
  const close = closingOf(server)
  await server.listen({ port: 0, host: '127.0.0.1' })
  const { port } = server.server.address() as AddressInfo
  return { close, port, end }
}

const never = 600_000

test('connections on which nothing is asked do not keep the server', async () => {
  const { close, port } = await startServer()
  const [silent, half] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  await Promise.all([once(silent, 'connect'), once(half, 'connect')])
  half.write('GET / HTTP/1.1\r\nHost:')
  const gone = [silent, half].map(
    socket =>
      new Promise(resolve => {
        // What was sent and never read ends a connection the hard way.
        socket.resume().on('error', () => undefined)
        socket.once('close', resolve)
      }),
  )
  await close(never)
  await Promise.all(gone)
})

test('a request that runs is answered, and its connection ends with it', async () => {
  const { close, port, end } = await startServer()
  const agent = new Agent({ keepAlive: true })
  const [response] = (await once(get({ port, agent, host: '127.0.0.1' }), 'response')) as [IncomingMessage]
  const closed = close(never)
  end()
  expect((await response.setEncoding('utf8').toArray()).join('')).toBe('done')
  await closed
  agent.destroy()
})

test('a request that takes too long is cut', async () => {
  const { close, port } = await startServer()
  const [response] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [IncomingMessage]
  const cut = expect(response.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' })
  await close(10)
  await cut
})
