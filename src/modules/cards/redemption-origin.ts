import type { FastifyRequest } from 'fastify'
import type { Settings } from '#core/config.ts'
import type { redemptionSettings } from './redemption-config.ts'
import type { Origin } from './redemptions.ts'

const longestRegion = 40

/**
 * Where a request comes from. The region is what the reverse proxy says in the header of the settings; a header that
 * did not pass a trusted proxy is not believed.
 */
export function originOf(
  { ip, ips, headers }: Pick<FastifyRequest, 'ip' | 'ips' | 'headers'>,
  { CARDS_REGION_HEADER }: Pick<Settings<typeof redemptionSettings>, 'CARDS_REGION_HEADER'>,
): Origin {
  const given = CARDS_REGION_HEADER === '' ? undefined : headers[CARDS_REGION_HEADER.toLowerCase()]
  const isFromProxy = (ips?.length ?? 0) > 1
  if (typeof given !== 'string' || !isFromProxy) return { ip, region: null }
  const region = decoded(given)
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, longestRegion)
  return { ip, region: region === '' ? null : region }
}

/** Names that are not Latin come percent-encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
