import type { Actor } from '#core/http/route.ts'
import { channelNotFound } from './errors.ts'

/** A family of channels, and who may listen. Asked at every subscription, never remembered. */
export type ChannelDefinition = {
  /** Segments between dots; `:name` matches one: `chat.conversation.:id`. */
  pattern: string
  authorize(actor: Actor, params: Record<string, string>): Promise<boolean>
}

export type Channels = {
  /** @throws {AppError} `realtime.channel_not_found`, whether there is none or the actor may not know it. */
  authorize(actor: Actor, channel: string): Promise<void>
}

/** @throws {Error} when two definitions match the same names. */
export function createChannels(definitions: readonly ChannelDefinition[]): Channels {
  const shapes = new Set<string>()
  const known = definitions.map(definition => {
    const segments = definition.pattern.split('.')
    const shape = segments.map(segment => (segment.startsWith(':') ? ':' : segment)).join('.')
    if (shapes.has(shape)) throw new Error(`Two channels have the pattern ${definition.pattern}`)
    shapes.add(shape)
    return { segments, definition }
  })
  return {
    async authorize(actor, channel) {
      const given = channel.split('.')
      for (const { segments, definition } of known) {
        const params = match(segments, given)
        if (params && (await definition.authorize(actor, params))) return
      }
      throw channelNotFound()
    },
  }
}

function match(segments: readonly string[], given: readonly string[]): Record<string, string> | null {
  if (segments.length !== given.length) return null
  const params: Record<string, string> = {}
  for (const [i, segment] of segments.entries()) {
    const value = given[i] ?? ''
    if (segment.startsWith(':')) {
      if (!/^[\w:@-]{1,100}$/.test(value)) return null
      params[segment.slice(1)] = value
    } else if (segment !== value) return null
  }
  return params
}
