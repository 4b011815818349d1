/** A bare pass-through: Node's HTTP server and undici, nothing read, nothing counted. */
import { createServer } from 'node:http'
import { Agent, request } from 'undici'

const dispatcher = new Agent({ connections: 256, pipelining: 1 })
const upstream = process.env.UPSTREAM ?? ''

createServer(async (incoming, outgoing) => {
  if (incoming.method === 'GET') return void outgoing.end('ok')
  try {
    const answer = await request(upstream + incoming.url, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/json', authorization: incoming.headers.authorization ?? '' },
      body: incoming,
    })
    outgoing.writeHead(answer.statusCode, { 'content-type': String(answer.headers['content-type']) })
    outgoing.flushHeaders()
    answer.body.pipe(outgoing)
    outgoing.on('close', () => answer.body.destroy())
  } catch {
    outgoing.destroy()
  }
}).listen(Number(process.env.PORT), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
