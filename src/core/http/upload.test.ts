import { once } from 'node:events'
import { connect } from 'node:net'
import multipart from '@fastify/multipart'
import Fastify from 'fastify'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readFile, readUpload, takeFiles } from './upload.ts'

const server = Fastify({ forceCloseConnections: true })
let port: number
const failures: unknown[] = []

beforeAll(async () => {
  await server.register(multipart)
  takeFiles(server)
  server.post('/file', { config: { file: 'audio' } }, request =>
    readFile(request, 1000).catch(error => {
      failures.push(error)
      throw Object.assign(new Error('no'), { statusCode: error.status })
    }),
  )
  server.post('/refused', request =>
    readUpload(request, 100_000_000, async ({ file }) => {
      for await (const _ of file) throw Object.assign(new Error('enough'), { statusCode: 413 })
    }),
  )
  server.get('/next', async () => 'the next answer')
  await server.listen({ port: 0, host: '127.0.0.1' })
  port = (server.server.address() as { port: number }).port
})
afterAll(() => server.close())

test('the rest of a file that was refused does not block the connection for the next request', async () => {
  const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
  const body = Buffer.concat([Buffer.from(head), Buffer.alloc(20_000_000), Buffer.from('\r\n--b--\r\n')])
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `POST /refused HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  socket.write(body)
  socket.write('GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  let answers = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answers += text
  })
  await once(socket, 'close')
  expect(answers).toContain('413')
  expect(answers).toContain('the next answer')
})

const head = (length: number) =>
  `POST /file HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nContent-Length: ${length}\r\n\r\n`

test('a body that is too large leaves the connection to the next request', async () => {
  const socket = connect(port, '127.0.0.1')
  socket.write(head(5_000_000))
  socket.write(Buffer.alloc(5_000_000))
  socket.write('GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  let answers = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    answers += text
  })
  await once(socket, 'close')
  expect(answers).toContain('413')
  expect(answers).toContain('the next answer')
})

test('a body that breaks off is no whole file', async () => {
  failures.length = 0
  const socket = connect(port, '127.0.0.1')
  socket.write(head(1000))
  socket.write(Buffer.alloc(10), () => socket.destroy())
  await vi.waitFor(
    () => expect(failures).toEqual([expect.objectContaining({ code: 'upload.missing' })]),
    20_000,
  )
})
