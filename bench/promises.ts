import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Banyan, startBanyan } from './banyan.ts'
import { freePort, type Running, start } from './processes.ts'
import type { Figure } from './run.ts'

type Message = { id: string; content: string; status: string }
type Started = { user_message: Message; assistant_message: Message }
type Quota = { limits: { metric: string; period: string; used: number; held: number }[] }

const sends = 500
const quota = 100
const kills = 20

const startUpstream = async (chunks: number, pace: number): Promise<Running> =>
  start(
    [process.execPath, fileURLToPath(new URL('upstream.ts', import.meta.url))],
    await freePort(),
    { CHUNKS: String(chunks), PACE: String(pace) },
    '/v1/models',
  )

const settings = (upstream: Running) => ({
  OPENAI_COMPATIBLE_URL: `${upstream.url}/v1`,
  AI_DEFAULT_MODEL: 'bench',
})

/** What is promised of every send, whatever happens: quotas hold in parallel, crashes lose nothing. */
export async function benchPromises(): Promise<Figure[]> {
  return [...(await parallelSends()), ...(await killedInMidStream())]
}

async function parallelSends(): Promise<Figure[]> {
  const upstream = await startUpstream(5, 20)
  const banyan = await startBanyan(settings(upstream))
  try {
    const me = await banyan.api<{ id: string }>('GET', '/api/v1/users/me')
    await untilModel(banyan)
    await banyan.api('PUT', `/api/v1/billing/users/${me.id}`, {
      plan: 'free',
      until: null,
      overrides: { 'ai.requests_per_day': quota },
    })
    const { id } = await banyan.api<{ id: string }>('POST', '/api/v1/chat/conversations', {})
    const statuses = await Promise.all(
      Array.from({ length: sends }, async (_, index) => {
        const answer = await fetch(`${banyan.url}/api/v1/chat/conversations/${id}/messages`, {
          method: 'POST',
          headers: { ...banyan.headers, 'content-type': 'application/json' },
          body: JSON.stringify({ client_message_id: `send-${index}`, content: 'hello' }),
        })
        await answer.arrayBuffer()
        return answer.status
      }),
    )
    const value = statuses.filter(status => status === 202).length
    const others = statuses.filter(status => status !== 202 && status !== 429).length
    return [
      {
        name: `${sends} parallel sends against a quota of ${quota}: succeeded`,
        value,
        unit: 'sends',
        bar: `exactly ${quota}, all others 429`,
        reached: value === quota && others === 0,
      },
    ]
  } finally {
    await banyan.stop()
    await upstream.stop()
  }
}

async function killedInMidStream(): Promise<Figure[]> {
  const upstream = await startUpstream(100_000, 20)
  let banyan = await startBanyan(settings(upstream))
  try {
    const asked: Started[] = []
    for (let round = 0; round < kills; round++) {
      await untilModel(banyan)
      const { id } = await banyan.api<{ id: string }>('POST', '/api/v1/chat/conversations', {})
      const started = await banyan.api<Started>('POST', `/api/v1/chat/conversations/${id}/messages`, {
        client_message_id: `killed-${round}`,
        content: `question ${round}`,
      })
      asked.push(started)
      await untilText(banyan, started.assistant_message.id)
      banyan.child.kill('SIGKILL')
      await once(banyan.child, 'exit')
      banyan = await banyan.restart()
    }
    const deadline = Date.now() + 240_000
    let lost = kills
    let held = kills
    while (Date.now() < deadline && (lost > 0 || held > 0)) {
      await new Promise(resolve => setTimeout(resolve, 2000))
      lost = 0
      for (const { user_message, assistant_message } of asked) {
        const question = await banyan.api<Message>('GET', `/api/v1/chat/messages/${user_message.id}`)
        const answer = await banyan.api<Message>('GET', `/api/v1/chat/messages/${assistant_message.id}`)
        if (
          question.content !== user_message.content ||
          answer.content === '' ||
          answer.status !== 'interrupted'
        )
          lost++
      }
      const { limits } = await banyan.api<Quota>('GET', '/api/v1/chat/quota')
      held = Math.max(...limits.filter(limit => limit.metric === 'requests').map(limit => limit.held))
    }
    return [
      {
        name: `kill -9 in mid-stream, ${kills} times: questions or partial answers lost`,
        value: lost,
        unit: 'messages',
        bar: '0',
        reached: lost === 0,
      },
      { name: 'holds left after the lease', value: held, unit: 'holds', bar: '0', reached: held === 0 },
    ]
  } finally {
    await banyan.stop()
    await upstream.stop()
  }
}

async function untilModel(banyan: Banyan): Promise<void> {
  for (;;) {
    const { items } = await banyan.api<{ items: { id: string }[] }>('GET', '/api/v1/chat/models')
    if (items.some(model => model.id === 'bench')) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Waits until some of an answer has been stored. */
async function untilText(banyan: Banyan, id: string): Promise<void> {
  for (;;) {
    const { content } = await banyan.api<Message>('GET', `/api/v1/chat/messages/${id}`)
    if (content.length > 20) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
