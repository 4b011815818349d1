/**
 * A model server for the benches: streams `max_tokens` or CHUNKS chunks, one every PACE milliseconds, to each request.
 * With IN_STEP=1 all answers go on at the same moments, so that a gateway finds as many chunks at once as a busy one
 * does; otherwise each has a time of its own, as the answers of a model do.
 */
import { createServer, type ServerResponse } from 'node:http'

const chunks = Number(process.env.CHUNKS ?? 200)
const pace = Number(process.env.PACE ?? 20)
const isInStep = process.env.IN_STEP === '1'
const chunk = Buffer.from(
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [{ index: 0, delta: { content: ' word' }, finish_reason: null }] })}\n\n`,
)
const last = Buffer.from(
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n` +
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [], usage: { prompt_tokens: 10, completion_tokens: chunks, total_tokens: 10 + chunks } })}\n\n` +
    'data: [DONE]\n\n',
)

/** Answers by the millisecond of the pace at which their chunks are due, with the number that is still to be sent. */
const due = Array.from({ length: pace }, () => new Map<ServerResponse, number>())
let lastTick = Math.floor(performance.now())

setInterval(() => {
  const now = Math.floor(performance.now())
  // A timer that was late makes up for what it missed, once round at most.
  for (let tick = Math.max(lastTick, now - pace) + 1; tick <= now; tick++) sendDue(due[tick % pace])
  lastTick = now
}, 1)

function sendDue(running: Map<ServerResponse, number> | undefined) {
  for (const [response, left] of running ?? []) {
    if (response.destroyed) running?.delete(response)
    else if (left > 0) {
      response.write(chunk)
      running?.set(response, left - 1)
    } else {
      running?.delete(response)
      response.end(last)
    }
  }
}

createServer((request, response) => {
  if (request.url?.endsWith('/models')) {
    response.setHeader('content-type', 'application/json')
    return void response.end(JSON.stringify({ object: 'list', data: [{ id: 'bench', object: 'model' }] }))
  }
  let body = ''
  request.setEncoding('utf8').on('data', (text: string) => {
    body += text
  })
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.socket?.setNoDelay(true)
    // The first chunk at once: what is measured is the way, not the model's thinking.
    response.write(chunk)
    const left = Number(/"max_tokens":(\d+)/.exec(body)?.[1] ?? chunks) - 1
    due[isInStep ? 0 : Math.floor(performance.now()) % pace]?.set(response, left)
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
