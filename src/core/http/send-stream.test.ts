import { once } from 'node:events'
import { connect } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import Fastify from 'fastify'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sendStream } from './send-stream.ts'

const server = Fastify({ forceCloseConnections: true })
let port: number
/** The body of the last `/open`, whose pieces the test writes. */
let open: PassThrough

beforeAll(async () => {
  server.get('/pieces', (_request, reply) =>
    sendStream(
      reply.header('x-set', 'yes'),
      { 'content-type': 'text/plain' },
      Readable.from(['one ', '二', 'x'.repeat(70_000)], { objectMode: false }),
    ),
  )
  server.get('/open', (_request, reply) => {
    open = new PassThrough()
    return sendStream(reply, { 'content-type': 'text/plain' }, open)
  })
  await server.listen({ port: 0, host: '127.0.0.1' })
  port = Number(server.server.address() && (server.server.address() as { port: number }).port)
})
afterAll(() => server.close())

const whole = `one 二${'x'.repeat(70_000)}`
const address = (path: string) => `http://127.0.0.1:${port}${path}`

async function raw(request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text
  })
  await once(socket, 'close')
  return answer
}

test('a body arrives whole, the connection is kept, and the headers are there', async () => {
  for (let round = 0; round < 3; round++) {
    const answer = await fetch(address('/pieces'))
    expect(answer.headers.get('x-set')).toBe('yes')
    expect(answer.headers.get('transfer-encoding')).toBe('chunked')
    expect(await answer.text()).toBe(whole)
  }
})

test('answers keep their order for a client that sends requests ahead', async () => {
  const request = 'GET /pieces HTTP/1.1\r\nHost: a\r\n'
  const answer = await raw(`${request}\r\n${request}\r\n${request}Connection: close\r\n\r\n`)
  expect(answer.match(/HTTP\/1.1 200 OK/g)).toHaveLength(3)
  expect(answer.match(/x+/g)?.filter(({ length }) => length > 60_000).length).toBe(3)
})

test('a client of HTTP/1.0 gets the body as it is', async () => {
  const answer = await raw('GET /pieces HTTP/1.0\r\n\r\n')
  expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(whole)
})

test('who leaves ends the body, and a body that breaks cuts the connection', async () => {
  const leaving = new AbortController()
  const left = await fetch(address('/open'), { signal: leaving.signal })
  expect(left.status).toBe(200)
  leaving.abort()
  await vi.waitFor(() => expect(open.destroyed).toBe(true), 20_000)

  const broken = await fetch(address('/open'))
  open.write('half')
  open.destroy(new Error('broken'))
  await expect(broken.text()).rejects.toThrow()
})

test('a reader who does not read makes the body wait', async () => {
  const slow = connect(port, '127.0.0.1')
  slow.pause()
  slow.write('GET /open HTTP/1.1\r\nHost: a\r\n\r\n')
  const before = open
  await vi.waitFor(() => expect(open).not.toBe(before), 20_000)
  const piece = Buffer.alloc(1024 * 1024, 'y')
  let sent = 0
  // The buffers of two sockets take some megabytes; then nothing more is taken.
  await vi.waitFor(() => {
    while (open.write(piece) && sent < 200) sent++
    expect(open.isPaused()).toBe(true)
  }, 20_000)
  expect(sent).toBeLessThan(200)
  let received = 0
  slow.on('data', chunk => {
    received += chunk.length
  })
  slow.resume()
  open.end()
  await once(open, 'end')
  await vi.waitFor(() => expect(received).toBeGreaterThan(sent * piece.length), 20_000)
  slow.destroy()
})
