import { z } from 'zod'
import type { Settings } from '#core/config.ts'
import type { Core } from '#core/core.ts'
import type { Locale } from '#core/errors.ts'
import type { Pcm } from '#core/speech/types.ts'
import type { Cards } from '#modules/cards/contract.ts'
import type { SpokenTool } from '#modules/chat/contract.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { integrationSettings } from './config.ts'
import { createMediaLibrary, type MediaItem } from './media.ts'
import { createMediaAddresses } from './media-address.ts'
import type { MediaKind } from './media-tables.ts'
import { createWeather, type Weather } from './weather.ts'

/** What a device is told of a piece: what it is, and where its file lies for a day (a path without PUBLIC_URL). */
export type PlayableItem = MediaItem & { url: string }

/** What devices know of the world. Every call is for a user, and gives that user's things only. */
export type Integrations = {
  /** @throws AppError `weather.*` */
  weather(ask: { user_id: string; city?: string | undefined }, signal: AbortSignal): Promise<Weather>
  /** What fits the words, or the one that is named. @throws AppError `media.*` */
  media(
    kind: MediaKind,
    ask: {
      user_id: string
      query?: string | undefined
      id?: string | undefined
      /** The first that fits, ready to be played, instead of a list. */
      is_play?: boolean
    },
    signal: AbortSignal,
  ): Promise<{ items: MediaItem[] } | PlayableItem>
  /** The sound of a piece, while it is read. @throws AppError `media.not_found`, `media.not_decodable` */
  openTrack(id: string, options: { sample_rate: number }): Promise<AsyncIterable<Pcm>>
  /** What the model may do besides the device's own tools. `play` queues a piece for the device. */
  tools(who: {
    user_id: string
    locale: Locale
    play(kind: MediaKind, id: string): Promise<void>
  }): SpokenTool[]
}

/** Pieces that a search gives. */
const maxFound = 20

const PlayArguments = z.object({ query: z.string().max(200).optional() })

/** Weather, and the library of music and dances. */
export function createIntegrations(deps: {
  core: Core
  settings: Settings<typeof integrationSettings>
  identity: Pick<Identity, 'usersByIds'>
  cards: Pick<Cards, 'itemsOf'>
}) {
  const { core, settings } = deps
  const weather = createWeather({ ...core, ...deps })
  const library = createMediaLibrary({ ...core, ...deps })
  const addresses = createMediaAddresses(core)
  const playable = (item: MediaItem): PlayableItem => ({
    ...item,
    url: `${core.settings.PUBLIC_URL.replace(/\/$/, '')}/api/v1/devices/media-files/${addresses.tokenOf(item.id)}`,
  })

  const playTool = (
    kind: MediaKind,
    user_id: string,
    play: (kind: MediaKind, id: string) => Promise<void>,
  ): SpokenTool => ({
    name: kind === 'music' ? 'play_music' : 'perform_dance',
    description:
      kind === 'music'
        ? 'Plays a song of the library on this device, after you have finished speaking.'
        : 'Lets this device perform a dance of the library, after you have finished speaking.',
    parameters: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'Words of title, artist or style. Leave out for any.' },
      },
    },
    async call(args) {
      const given = PlayArguments.safeParse(args)
      const item = await library.pick(user_id, kind, { query: given.success ? given.data.query : undefined })
      await play(kind, item.id)
      return JSON.stringify({
        title: item.title,
        artist: item.artist,
        state: 'starts when you stop speaking',
      })
    },
  })

  const integrations: Integrations = {
    weather: (ask, signal) => weather.of(ask, signal),
    async media(kind, { user_id, query, id, is_play = false }) {
      if (id !== undefined || is_play) return playable(await library.pick(user_id, kind, { id, query }))
      const { items } = await library.list({ user_id }, { kind, q: query, limit: maxFound })
      return { items }
    },
    openTrack: library.openTrack,
    tools: ({ user_id, locale, play }) => [
      ...(weather.isSetUp() ? [weather.tool(user_id, locale)] : []),
      playTool('music', user_id, play),
      playTool('dance', user_id, play),
    ],
  }
  return { ...integrations, weatherService: weather, library, addresses, settings }
}
