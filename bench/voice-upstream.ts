/**
 * A model and a voice for the benches, both instant: every question is answered by one sentence (SENTENCES of them), and
 * every text is spoken as SECONDS of sound, at once.
 */
import { createServer } from 'node:http'

const seconds = Number(process.env.SECONDS ?? 2)
const text = '好的，我马上告诉你答案是什么。'.repeat(Number(process.env.SENTENCES ?? 1))
const event = (choice: object, rest: object = {}) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [{ index: 0, ...choice }], ...rest })}\n\n`
const answer = Buffer.from(
  event({ delta: { content: text }, finish_reason: null }) +
    event({ delta: {}, finish_reason: 'stop' }) +
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [], usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 } })}\n\n` +
    'data: [DONE]\n\n',
)
const sound = new Int16Array(24_000 * seconds)
for (let i = 0; i < sound.length; i++)
  sound[i] = 9000 * Math.sin(i / 12) * Math.abs(Math.sin(i / 4000)) + 3000 * Math.sin(i / 3.7)
const pcm = Buffer.from(sound.buffer)

createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    if (request.url?.endsWith('/models'))
      return void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ object: 'list', data: [{ id: 'bench', object: 'model' }] }))
    if (request.url?.endsWith('/audio/speech'))
      return void response.writeHead(200, { 'content-type': 'audio/pcm' }).end(pcm)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(answer)
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
