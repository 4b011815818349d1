import { type FakeServer, type RecordedRequest, startFakeServer, write } from '#core/testing/fake-server.ts'

/** The pieces of an answer as they are sent; a test holds one back by awaiting something between two pieces. */
export type Pieces = AsyncIterable<string> | Iterable<string>

export type Upstream = FakeServer & {
  /** How questions are answered from now on. */
  answerWith(answer: (question: string, request: RecordedRequest) => Pieces): void
}

export const words = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? []

/** A model server on the loopback that streams what the test says: by default an echo of the question. */
export async function startUpstream(): Promise<Upstream> {
  const echo = (question: string): Pieces => words(`You asked: ${question}`)
  let answer: (question: string, request: RecordedRequest) => Pieces = echo
  const server = await startFakeServer(async (request, response) => {
    if (request.path.endsWith('/models')) {
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify({ data: [{ id: 'fake-large' }, { id: 'fake-small' }] }))
    }
    const question = lastQuestion(request)
    // What is asked in the background comes at any time, in later tests too: it is no question of a test's.
    const isTitle = isTold(request, 'Give the conversation below a title')
    const isLook = isTold(request, 'You keep notes about a user')
    const pieces = isTitle ? [titleOf(question)] : isLook ? ['{"facts": []}'] : answer(question, request)
    if (request.body?.stream !== true) {
      let content = ''
      for await (const piece of pieces) content += piece
      response.writeHead(200, { 'content-type': 'application/json' })
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
      return void response.end(JSON.stringify({ object: 'chat.completion', model: 'fake', choices }))
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    const send = (data: object) => write(response, `data: ${JSON.stringify({ model: 'fake', ...data })}\n\n`)
    let length = 0
    for await (const content of pieces) {
      if (response.destroyed) return
      length++
      await send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
    }
    await send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    const usage = { prompt_tokens: 7, completion_tokens: length, total_tokens: 7 + length }
    await send({ choices: [], usage })
    await write(response, 'data: [DONE]\n\n')
    response.end()
  })
  return {
    ...server,
    answerWith(next) {
      answer = next
    },
  }
}

/** Something that a test opens once, and an answer waits for. */
export function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: () => resolve() }
}

type WireMessage = { role: string; content: string | { type: string; text?: string }[] }

const messagesOf = (request: RecordedRequest) => (request.body?.messages ?? []) as WireMessage[]

const textOf = ({ content }: WireMessage): string =>
  typeof content === 'string' ? content : content.map(part => part.text ?? '').join('')

const isTold = (request: RecordedRequest, instruction: string): boolean =>
  messagesOf(request).some(message => message.role === 'system' && textOf(message).startsWith(instruction))

const lastQuestion = (request: RecordedRequest): string => {
  const last = messagesOf(request).findLast(message => message.role === 'user')
  return last ? textOf(last) : ''
}

const titleOf = (text: string): string =>
  `About ${text.replace('<conversation>', '').trim().split('\n')[0]?.slice(0, 40)}`
