import { z } from 'zod'
import type { Cache } from '#core/cache/cache.ts'
import { policies } from '#core/cache/policies.ts'
import type { Settings } from '#core/config.ts'
import type { Locale } from '#core/errors.ts'
import type { SafeFetch } from '#core/security/safe-fetch.ts'
import type { SpokenTool } from '#modules/chat/contract.ts'
import type { Identity } from '#modules/identity/contract.ts'
import type { integrationSettings } from './config.ts'
import { createOpenMeteo } from './open-meteo.ts'
import { createOpenweather } from './openweather.ts'
import { createQweather } from './qweather.ts'
import {
  type Condition,
  cityMissing,
  cityUnknown,
  conditions,
  type Place,
  type Reading,
  type WeatherProvider,
  weatherOff,
} from './weather-types.ts'

const ConditionName = z.enum(conditions)

/** The weather at a place, in metric units: °C, km/h, percent. Null: the service does not say. */
export const Weather = z
  .object({
    city: z.string(),
    region: z.string().nullable(),
    country: z.string().nullable(),
    observed_at: z.string().nullable(),
    temperature: z.number(),
    feels_like: z.number().nullable(),
    humidity: z.number().nullable(),
    wind_speed: z.number().nullable(),
    condition: ConditionName,
    text: z.string().describe('The condition in words.'),
    days: z.array(
      z.object({
        date: z.string(),
        min: z.number(),
        max: z.number(),
        condition: ConditionName,
        text: z.string(),
      }),
    ),
    source: z.string(),
  })
  .meta({ id: 'DeviceWeather' })
export type Weather = z.output<typeof Weather>

export type WeatherService = ReturnType<typeof createWeather>

const makers = { open_meteo: createOpenMeteo, qweather: createQweather, openweather: createOpenweather }

/** The weather for devices and their owners, from one service, kept for half an hour. */
export function createWeather(deps: {
  cache: Cache
  safeFetch: SafeFetch
  identity: Pick<Identity, 'usersByIds'>
  settings: Settings<typeof integrationSettings>
}) {
  const { cache, safeFetch, identity, settings } = deps

  /** Null: none is chosen, or what it needs is missing. */
  function provider(): { name: string; service: WeatherProvider } | null {
    const name = settings.DEVICES_WEATHER
    const url = settings.DEVICES_WEATHER_URL
    const key = settings.DEVICES_WEATHER_KEY
    const isReady =
      name === 'open_meteo' ||
      (name === 'qweather' && url !== '' && key !== '') ||
      (name === 'openweather' && key !== '')
    if (name === 'off' || !isReady) return null
    return { name, service: makers[name]({ url, key, safeFetch }) }
  }

  /** @throws AppError `weather.not_set_up`, `weather.city_unknown`, `weather.failed` */
  async function at(city: string, locale: Locale): Promise<Weather> {
    const chosen = provider()
    if (!chosen) throw weatherOff()
    const { name: source, service } = chosen
    const asked = city.normalize('NFKC').trim().slice(0, 100)
    const placeKey = `devices.place ${source} ${locale} ${asked.toLowerCase()}`
    const place = await cache.get<Place | null>(policies.l3, placeKey, signal =>
      service.find(asked, locale, signal),
    )
    if (!place) throw cityUnknown({ city: asked })
    const { latitude, longitude } = place
    const weatherKey = `devices.weather ${source} ${latitude.toFixed(2)} ${longitude.toFixed(2)}`
    const reading = await cache.get<Reading>(policies.l2, weatherKey, signal => service.read(place, signal))
    return {
      city: place.name,
      region: place.region,
      country: place.country,
      ...reading,
      text: words[locale][reading.condition],
      days: reading.days.map(day => ({ ...day, text: words[locale][day.condition] })),
      source,
    }
  }

  const weather = {
    /**
     * For a city, or that of the user's profile. Who does not wait any longer does not stop it for others.
     * @throws AppError `weather.*`
     */
    async of(
      ask: { user_id: string; city?: string | undefined; locale?: Locale | undefined },
      signal: AbortSignal,
    ): Promise<Weather> {
      signal.throwIfAborted()
      const user = (await identity.usersByIds([ask.user_id])).get(ask.user_id)
      const city = ask.city?.trim() || user?.city?.trim()
      if (!city) throw cityMissing()
      const answer = await at(city, ask.locale ?? user?.locale ?? 'zh-CN')
      signal.throwIfAborted()
      return answer
    },

    isSetUp: (): boolean => provider() !== null,

    /** For the model of a voice loop. */
    tool: (user_id: string, locale: Locale): SpokenTool => ({
      name: 'get_weather',
      description:
        'The weather now and on the next days in a city. Without a city: where the user lives. Temperatures in °C.',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string', description: 'Name of the city, if the user said one.' } },
      },
      async call(args, signal) {
        const given = ToolArguments.safeParse(args)
        const city = given.success ? given.data.city : undefined
        return JSON.stringify(await weather.of({ user_id, city, locale }, signal))
      },
    }),
  }
  return weather
}

const ToolArguments = z.object({ city: z.string().max(100).optional() })

const words: Record<Locale, Record<Condition, string>> = {
  'zh-CN': {
    clear: '晴',
    partly_cloudy: '多云',
    cloudy: '阴',
    fog: '雾',
    drizzle: '毛毛雨',
    rain: '雨',
    showers: '阵雨',
    sleet: '雨夹雪',
    snow: '雪',
    thunderstorm: '雷阵雨',
    dust: '沙尘',
    unknown: '未知',
  },
  en: {
    clear: 'clear',
    partly_cloudy: 'partly cloudy',
    cloudy: 'cloudy',
    fog: 'fog',
    drizzle: 'drizzle',
    rain: 'rain',
    showers: 'showers',
    sleet: 'sleet',
    snow: 'snow',
    thunderstorm: 'thunderstorm',
    dust: 'dust',
    unknown: 'unknown',
  },
}
