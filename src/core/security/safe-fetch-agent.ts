import { lookup as resolveName } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { defineError } from '#core/errors.ts'
import { type AllowList, createAllowList, isPublicAddress } from './addresses.ts'

export const addressRefused = defineError({
  code: 'fetch.address_refused',
  status: 400,
  en: 'The server does not call {host}: its address lies in a private or reserved network. An administrator can allow it (OUTBOUND_ALLOW).',
  'zh-CN': '服务器不会访问 {host}：其地址属于内网或保留网段。管理员可以通过 OUTBOUND_ALLOW 放行。',
})
export const urlInvalid = defineError({
  code: 'fetch.url_invalid',
  status: 400,
  en: 'This is not a web address that the server can call. It must start with http:// or https:// and hold no user name.',
  'zh-CN': '这不是服务器可以访问的网址。网址须以 http:// 或 https:// 开头，且不能包含用户名。',
})

/** The operator's exceptions, read anew for every call because the setting can be reloaded. */
export type Allow = () => readonly string[]

/** The parsed form of the current exceptions; parsed again only when the setting has changed. */
export function currentAllowList(allow: Allow): () => AllowList {
  let items: readonly string[] | undefined
  let parsed = createAllowList([])
  return () => {
    const now = allow()
    if (now !== items) {
      parsed = createAllowList(now)
      items = now
    }
    return parsed
  }
}

/**
 * Parses a URL that came from outside and refuses what must not be called. A name still has to pass the check of
 * its addresses when it is resolved, which the agent does.
 * @throws `fetch.url_invalid`, `fetch.address_refused`
 */
export function assertSafeUrl(text: string, list: AllowList): URL {
  // WHATWG parsing turns 0x7f.1, 017700000001 and 2130706433 into 127.0.0.1, so that one check sees them all.
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) throw urlInvalid()
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host)) checkAddress(host, host, portOf(url.protocol, url.port), list)
  return url
}

const portOf = (protocol: string, port: string) => Number(port) || (protocol === 'https:' ? 443 : 80)

function checkAddress(address: string, host: string, port: number, list: AllowList): void {
  if (!isPublicAddress(address) && !list.allowsAddress(address, port)) throw addressRefused({ host })
}

/**
 * An undici agent that connects to public addresses only, and to what the operator allows. The address that was
 * checked is the one that is connected to, so a name that resolves differently a moment later gains nothing.
 * Requests through it fail with `fetch.address_refused`.
 */
export function createSafeAgent(allow: Allow, options: Omit<Agent.Options, 'connect'> = {}): Agent {
  const list = currentAllowList(allow)
  return new Agent({
    ...options,
    connect(target, callback) {
      const port = portOf(target.protocol, target.port)
      try {
        if (isIP(target.hostname)) checkAddress(target.hostname, target.hostname, port, list())
        // A connector per connection: the look-up must know the port, and Node does not tell it.
        const connect = buildConnector({
          lookup: checkedLookup(port, list()),
          allowH2: false,
          timeout: 10_000,
        })
        connect(target, callback)
      } catch (error) {
        callback(error instanceof Error ? error : new Error(String(error)), null)
      }
    },
  })
}

/** Resolves a name to those of its addresses that may be called. */
const checkedLookup =
  (port: number, list: AllowList): LookupFunction =>
  (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const isNameAllowed = list.allowsHost(hostname, port)
      const usable = addresses.filter(
        ({ address }) => isNameAllowed || isPublicAddress(address) || list.allowsAddress(address, port),
      )
      const [first] = usable
      if (!first) return callback(addressRefused({ host: hostname }), [])
      if (options.all) callback(null, usable)
      else callback(null, first.address, first.family)
    })
  }
