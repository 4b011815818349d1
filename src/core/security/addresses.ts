import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { ConfigError } from '#core/config.ts'

/** Hosts and networks outside the public internet that the operator lets the server call. */
export type AllowList = {
  /** The name itself is allowed, whatever it resolves to. */
  allowsHost(hostname: string, port: number): boolean
  allowsAddress(address: string, port: number): boolean
}

type Entry = { hostname?: string; network?: [ipaddr.IPv4 | ipaddr.IPv6, number]; port?: number }

/**
 * Reads an allow-list: `host`, `host:port`, an address with or without port (`[::1]:8080`), a network (`10.1.0.0/16`).
 * @throws {ConfigError} that names the entries which are none of these.
 */
export function createAllowList(items: readonly string[]): AllowList {
  const wrong: string[] = []
  const entries = items
    .map(item => parseEntry(item) ?? wrong.push(item))
    .filter(entry => typeof entry === 'object')
  if (wrong.length > 0) {
    throw new ConfigError(
      `OUTBOUND_ALLOW has entries that are neither a host, host:port, address nor network: ${wrong.join(', ')}`,
    )
  }
  const fits = (entry: Entry, port: number) => entry.port === undefined || entry.port === port
  return {
    allowsHost: (hostname, port) =>
      entries.some(entry => entry.hostname === hostname.toLowerCase() && fits(entry, port)),
    allowsAddress(address, port) {
      const parsed = ipaddr.parse(address)
      return entries.some(
        ({ network, ...entry }) =>
          network?.[0].kind() === parsed.kind() && parsed.match(network) && fits(entry, port),
      )
    },
  }
}

function parseEntry(item: string): Entry | null {
  if (ipaddr.isValidCIDR(item)) return { network: ipaddr.parseCIDR(item) }
  if (item.includes(':') && ipaddr.isValid(item)) return { network: single(item) }
  const match = /^(\[[^\]]+\]|[^:/\s]+)(?::(\d{1,5}))?$/.exec(item)
  if (!match?.[1]) return null
  const host = match[1].replace(/^\[|\]$/g, '').toLowerCase()
  const port = match[2] === undefined ? undefined : Number(match[2])
  if (port !== undefined && (port < 1 || port > 65_535)) return null
  if (ipaddr.IPv4.isValidFourPartDecimal(host) || ipaddr.IPv6.isValid(host))
    return { network: single(host), port }
  return /^[\w.-]+$/.test(host) && !/^[\d.]+$/.test(host) ? { hostname: host, port } : null
}

function single(address: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const parsed = ipaddr.parse(address)
  return [parsed, parsed.kind() === 'ipv4' ? 32 : 128]
}

/** Global unicast IPv6 (RFC 4291 §2.4); outside lie, among others, the IPv4-compatible addresses `::127.0.0.1`. */
const globalUnicast = ipaddr.parseCIDR('2000::/3')
/** Azure's virtual public address of the host: metadata and keys, although the number is a public one. */
const azureHost = '168.63.129.16'

/**
 * True for addresses of the public internet. False for private, loopback, link-local, carrier-grade NAT, multicast
 * and reserved ones, and for the IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4, Teredo).
 */
export function isPublicAddress(address: string): boolean {
  // The library alone would take `1.2.3` for an address as well.
  if (!isIP(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' ? parsed.toString() !== azureHost : parsed.match(globalUnicast)
}
