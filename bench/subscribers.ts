import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { type Banyan, startBanyan } from './banyan.ts'
import { residentKilobytes } from './processes.ts'
import type { Figure } from './run.ts'

const count = 1000
const perUser = 50

/** Memory of the whole server for each idle subscriber, WebSocket and SSE, signed in, each on a channel. */
export async function benchSubscribers(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const kind of ['WebSocket', 'SSE'] as const) {
    const banyan = await startBanyan()
    try {
      const users = await makeUsers(banyan, Math.ceil((count * 1.2) / perUser))
      const open = kind === 'WebSocket' ? openSocket : openEvents
      // Some first, so that what is allocated once is not counted.
      const closers: (() => void)[] = []
      const add = async (from: number, to: number) => {
        for (let index = from; index < to; index++) {
          const user = users[Math.floor(index / perUser)]
          if (user) closers.push(await open(banyan.url, user))
        }
      }
      await add(0, count * 0.2)
      await settled(banyan.pid)
      const before = residentKilobytes(banyan.pid)
      await add(count * 0.2, count * 1.2)
      await settled(banyan.pid)
      const each = (residentKilobytes(banyan.pid) - before) / count
      for (const close of closers) close()
      figures.push({
        name: `${count} idle ${kind} subscribers, memory each`,
        value: Math.round(each * 10) / 10,
        unit: 'KB',
        bar: '≤ 30 KB',
        reached: each <= 30,
      })
    } finally {
      await banyan.stop()
    }
  }
  return figures
}

type User = { id: string; token: string }

async function makeUsers(banyan: Banyan, users: number): Promise<User[]> {
  const made: User[] = []
  for (let index = 0; index < users; index++) {
    const username = `subscriber${index}`
    const password = `Quiet-listener-${index}`
    const { id } = await banyan.api<{ id: string }>('POST', '/api/v1/users', { username, password })
    const { access_token } = await banyan.api<{ access_token: string }>('POST', '/api/v1/auth/login', {
      name: username,
      password,
      mode: 'token',
    })
    made.push({ id, token: access_token })
  }
  return made
}

async function openSocket(url: string, user: User): Promise<() => void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/realtime/ws`, {
    headers: { authorization: `Bearer ${user.token}` },
    perMessageDeflate: false,
  })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'subscribe', channel: `chat.user.${user.id}` }))
  const [frame] = await once(socket, 'message')
  if (!String(frame).includes('"subscribed"')) throw new Error(String(frame))
  return () => socket.terminate()
}

async function openEvents(url: string, user: User): Promise<() => void> {
  const request = get(`${url}/api/v1/realtime/sse?channel=chat.user.${user.id}`, {
    agent: false,
    headers: { authorization: `Bearer ${user.token}` },
  })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const [chunk] = await once(response, 'data')
  if (!String(chunk).includes('subscribed')) throw new Error(String(chunk))
  response.resume()
  return () => request.destroy()
}

/** Waits until the process's memory has stopped changing. */
async function settled(pid: number): Promise<void> {
  let last = 0
  for (let quiet = 0; quiet < 3; ) {
    await new Promise(resolve => setTimeout(resolve, 1000))
    const now = residentKilobytes(pid)
    quiet = Math.abs(now - last) < 200 ? quiet + 1 : 0
    last = now
  }
}
