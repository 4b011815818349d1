import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, expect, test, vi } from 'vitest'
import { translateError } from '#core/errors.ts'
import { createSafeFetch } from './safe-fetch.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

/** A server on loopback. `host` is what goes into OUTBOUND_ALLOW to reach it. */
async function serve(handler: Handler) {
  const requests: {
    path: string | undefined
    method: string | undefined
    headers: IncomingMessage['headers']
    body: string
  }[] = []
  const server = createServer(async (request, response) => {
    const { url: path, method, headers } = request
    requests.push({ path, method, headers, body: (await buffer(request)).toString() })
    handler(request, response)
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, port, requests, server }
}

const fetching = (...allow: string[]) => createSafeFetch({ allow: () => allow })
const code = (name: string) => expect.objectContaining({ code: name })
const redirect =
  (location: string, status = 302): Handler =>
  (_, response) =>
    response.writeHead(status, { location }).end()
const say =
  (body: string | Buffer, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response.writeHead(200, headers).end(body)

test('an allowed host is fetched, with status, headers, text and JSON', async () => {
  const { url, host, requests } = await serve((_, response) =>
    response
      .writeHead(404, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] })
      .end('{"name":"榕树"}'),
  )
  const answer = await fetching(host)(`${url}/path?q=1`, {
    method: 'POST',
    headers: { Authorization: 'Bearer secret', 'X-Api-Key': 'key' },
    body: 'the body',
  })
  expect(answer.status).toBe(404)
  expect(answer.url).toBe(`${url}/path?q=1`)
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(await answer.text()).toBe('{"name":"榕树"}')
  expect(await answer.json()).toEqual({ name: '榕树' })
  expect(requests).toMatchObject([
    {
      path: '/path?q=1',
      method: 'POST',
      headers: { authorization: 'Bearer secret', 'x-api-key': 'key' },
      body: 'the body',
    },
  ])
})

test('no way of writing a loopback or private address gets through', async () => {
  const { port, requests } = await serve(say('secret'))
  const safeFetch = fetching()
  const hosts = [
    ...[
      '127.0.0.1',
      '127.1',
      '0x7f.0.0.1',
      '0177.0.0.1',
      '017700000001',
      '2130706433',
      '0x7f000001',
      '127.0.0.1.',
    ],
    ...[
      '0',
      '0.0.0.0',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
    ],
    ...[
      '[2002:7f00:1::]',
      '[fe80::1]',
      '10.0.0.1',
      '192.168.0.1',
      '169.254.169.254',
      '100.100.100.200',
      '１２７.0.0.1',
    ],
  ]
  for (const host of hosts) {
    await expect(safeFetch(`http://${host}:${port}/`), host).rejects.toThrow(code('fetch.address_refused'))
  }
  expect(requests).toEqual([])
})

test('a name that resolves to loopback is refused, unless the name or the address is allowed', async () => {
  const { port, requests } = await serve(say('local'))
  const url = `http://localhost:${port}/`
  await expect(fetching()(url)).rejects.toThrow(code('fetch.address_refused'))
  await expect(fetching(`localhost:${port + 1}`)(url)).rejects.toThrow(code('fetch.address_refused'))
  await expect(fetching('other.example')(url)).rejects.toThrow(code('fetch.address_refused'))
  expect(requests).toEqual([])
  for (const entry of ['localhost', `localhost:${port}`, '127.0.0.0/8', `127.0.0.1:${port}`]) {
    expect(await (await fetching(entry)(url)).text()).toBe('local')
  }
})

test('the allow-list is read anew for every call', async () => {
  const { url, host } = await serve(say('local'))
  let allow: string[] = []
  const safeFetch = createSafeFetch({ allow: () => allow })
  await expect(safeFetch(url)).rejects.toThrow(code('fetch.address_refused'))
  allow = [host]
  expect(await (await safeFetch(url)).text()).toBe('local')
})

test('only plain http and https URLs are called', async () => {
  const bad = [
    '',
    'nonsense',
    '/path',
    'ftp://example.com',
    'file:///etc/passwd',
    'data:text/plain,x',
    'gopher://x',
    'http://',
  ]
  for (const url of [...bad, 'http://user:password@example.com', 'http://user@example.com']) {
    await expect(fetching()(url), url).rejects.toThrow(code('fetch.url_invalid'))
  }
})

test('every hop of a redirect is checked', async () => {
  const inner = await serve(say('secret'))
  for (const target of [
    inner.url,
    `http://localhost:${inner.port}`,
    `http://[::ffff:127.0.0.1]:${inner.port}`,
  ]) {
    const outer = await serve(redirect(target))
    await expect(fetching(outer.host)(outer.url), target).rejects.toThrow(code('fetch.address_refused'))
  }
  const toFile = await serve(redirect('file:///etc/passwd'))
  await expect(fetching(toFile.host)(toFile.url)).rejects.toThrow(code('fetch.url_invalid'))
  expect(inner.requests).toEqual([])
})

test('redirects are followed, relative ones too, but not for ever', async () => {
  const { url, host } = await serve((request, response) => {
    const step = Number(request.url?.slice(1))
    if (step === 0) response.end('arrived')
    else response.writeHead(302, { location: `${step - 1}` }).end('not yet')
  })
  const safeFetch = fetching(host)
  const answer = await safeFetch(`${url}/5`)
  expect([answer.url, await answer.text()]).toEqual([`${url}/0`, 'arrived'])
  await expect(safeFetch(`${url}/6`)).rejects.toThrow(code('fetch.too_many_redirects'))
  await expect(safeFetch(`${url}/1`, { max_redirects: 0 })).rejects.toThrow(code('fetch.too_many_redirects'))
})

test('credentials stay with their origin', async () => {
  const headers = {
    Authorization: 'Bearer s',
    Cookie: 'a=1',
    'X-Api-Key': 'k',
    'Proxy-Authorization': 'p',
    Accept: 'text/html',
  }
  const other = await serve(say('other'))
  const first = await serve((request, response) =>
    response.writeHead(307, { location: request.url === '/same' ? '/end' : other.url }).end(),
  )
  const safeFetch = fetching('127.0.0.1')
  await safeFetch(first.url, { headers })
  expect(other.requests[0]?.headers).toMatchObject({ accept: 'text/html' })
  for (const name of ['authorization', 'cookie', 'x-api-key', 'proxy-authorization']) {
    expect(other.requests[0]?.headers).not.toHaveProperty(name)
  }
  await safeFetch(`${first.url}/same`, { headers, max_redirects: 1 }).catch(() => {})
  expect(first.requests[2]?.headers).toMatchObject({ authorization: 'Bearer s', 'x-api-key': 'k' })
})

test.each([
  [301, 'POST', 'GET', ''],
  [302, 'POST', 'GET', ''],
  [303, 'PUT', 'GET', ''],
  [307, 'POST', 'POST', 'body'],
  [308, 'PUT', 'PUT', 'body'],
])('%i turns %s into %s', async (status, method, becomes, body) => {
  const { url, host, requests } = await serve((request, response) =>
    request.url === '/end' ? response.end() : response.writeHead(status, { location: '/end' }).end(),
  )
  await fetching(host)(url, { method, body: 'body', headers: { 'Content-Type': 'text/plain' } })
  expect(requests[1]).toMatchObject({ method: becomes, body })
  expect('content-type' in (requests[1]?.headers ?? {})).toBe(body !== '')
})

test('packed answers are unpacked', async () => {
  const text = '榕树'.repeat(1000)
  const packed: [string, Buffer][] = [
    ['gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['br, gzip', gzipSync(brotliCompressSync(text))],
    ['identity', Buffer.from(text)],
  ]
  for (const [encoding, body] of packed) {
    const { url, host } = await serve(say(body, { 'content-encoding': encoding }))
    expect(await (await fetching(host)(url)).text(), encoding).toBe(text)
  }
  const odd = await serve(say(gzipSync(text), { 'content-encoding': 'gzip, gzip, gzip' }))
  await expect(fetching(odd.host)(odd.url)).rejects.toThrow(code('fetch.failed'))
  const broken = await serve(say('not gzip', { 'content-encoding': 'gzip' }))
  await expect(fetching(broken.host)(broken.url)).rejects.toThrow(code('fetch.failed'))
  const head = await serve(say('', { 'content-encoding': 'gzip', 'content-length': '900' }))
  expect((await fetching(head.host)(head.url, { method: 'HEAD' })).status).toBe(200)
})

test('a decompression bomb stops at the cap', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  const doubled = gzipSync(bomb)
  for (const [body, encoding] of [
    [bomb, 'gzip'],
    [doubled, 'gzip, gzip'],
  ] as const) {
    const { url, host } = await serve(say(body, { 'content-encoding': encoding }))
    await expect(fetching(host)(url, { max_bytes: 1_000_000 })).rejects.toThrow(code('fetch.too_large'))
  }
})

test('too large an answer is cut off, announced or not', async () => {
  const closed = vi.fn()
  const endless = await serve((_, response) => {
    response.on('close', closed)
    const more = () => {
      while (response.write(Buffer.alloc(65_536)));
      response.once('drain', more)
    }
    more()
  })
  const announced = await serve(say(Buffer.alloc(2000)))
  const safeFetch = fetching('127.0.0.1')
  await expect(safeFetch(endless.url, { max_bytes: 1000 })).rejects.toThrow(code('fetch.too_large'))
  await expect(safeFetch(announced.url, { max_bytes: 1999 })).rejects.toThrow(code('fetch.too_large'))
  expect((await (await safeFetch(announced.url, { max_bytes: 2000 })).bytes()).length).toBe(2000)
  await vi.waitFor(() => expect(closed).toHaveBeenCalled(), 20_000)
})

test('silence, a body that drips and a chain of slow redirects all end at the time limit', async () => {
  const silent = await serve(() => {})
  const dripping = await serve((_, response) => {
    const timer = setInterval(() => response.write('.'), 10)
    response.on('close', () => clearInterval(timer))
  })
  const slowRedirects = await serve((_, response) => {
    setTimeout(() => response.writeHead(302, { location: '/again' }).end(), 60)
  })
  for (const { url, host } of [silent, dripping, slowRedirects]) {
    const failure = await fetching(host)(url, { timeout_ms: 200 }).catch(error => error)
    expect(failure).toMatchObject({ code: 'fetch.timeout', status: 504 })
    expect(translateError(failure, 'zh-CN')).toContain('0.2 秒')
  }
})

test('a caller that gives up gets its own reason, not a failure', async () => {
  const { url, host } = await serve((_, response) => response.write('begun'))
  const controller = new AbortController()
  const answer = fetching(host)(url, { signal: controller.signal })
  controller.abort()
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
  await expect(fetching(host)(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: 'AbortError',
  })
})

test('a server that is not there, breaks off or talks nonsense is a failure with a name', async () => {
  const gone = await serve(say(''))
  gone.server.close()
  const breaking = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('half')
    response.socket?.destroy()
  })
  const nonsense = await serve((_, response) => response.socket?.end('this is not HTTP\r\n\r\n'))
  for (const { url, host } of [gone, breaking, nonsense]) {
    await expect(fetching(host)(url)).rejects.toThrow(code('fetch.failed'))
  }
  await expect(fetching()('http://no-such-name.invalid/')).rejects.toThrow(code('fetch.failed'))
  const text = await serve(say('not JSON'))
  await expect((await fetching(text.host)(text.url)).json()).rejects.toThrow(code('fetch.failed'))
})
