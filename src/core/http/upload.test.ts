import { once } from 'node:events'
import { connect } from 'node:net'
import multipart from '@fastify/multipart'
import Fastify from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readUpload } from './upload.ts'

const server = Fastify({ forceCloseConnections: true })
let port: number

beforeAll(async () => {
  await server.register(multipart)
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
