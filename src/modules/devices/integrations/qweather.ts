import { z } from 'zod'
import {
  ask,
  type Condition,
  type ProviderOptions,
  urlOf,
  type WeatherProvider,
  weatherFailed,
} from './weather-types.ts'

/*
 * https://dev.qweather.com/docs/api: /geo/v2/city/lookup, /v7/weather/now and /v7/weather/3d on the API host of the
 * account, with the key in `X-QW-Api-Key`. Numbers come as texts; `code` is "200", or "204"/"404" for nothing found.
 */

const numeric = z.string().regex(/^-?\d+(\.\d+)?$/)
const Head = z.looseObject({ code: z.string() })
const Found = z.object({
  location: z
    .array(
      z.object({
        name: z.string(),
        lat: numeric,
        lon: numeric,
        adm1: z.string().optional(),
        country: z.string().optional(),
      }),
    )
    .optional(),
})
const Now = z.object({
  now: z.object({
    obsTime: z.string(),
    temp: numeric,
    feelsLike: numeric.optional(),
    humidity: numeric.optional(),
    windSpeed: numeric.optional(),
    icon: z.string(),
  }),
})
const Days = z.object({
  daily: z.array(z.object({ fxDate: z.string(), tempMin: numeric, tempMax: numeric, iconDay: z.string() })),
})

export function createQweather(options: ProviderOptions): WeatherProvider {
  /** Null: nothing found. */
  async function get<T>(
    path: string,
    query: Record<string, string | number>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    const headers = { 'x-qw-api-key': options.key }
    const answer = await ask(options, urlOf(options.url, path, query), Head, signal, headers)
    if (answer.code === '204' || answer.code === '404') return null
    const result = answer.code === '200' ? schema.safeParse(answer) : null
    if (!result?.success) throw weatherFailed({ status: answer.code })
    return result.data
  }
  return {
    async find(location, locale, signal) {
      const query = { location, number: 1, lang: locale === 'en' ? 'en' : 'zh' }
      const place = (await get('/geo/v2/city/lookup', query, Found, signal))?.location?.[0]
      if (!place) return null
      const { name, adm1: region = null, country = null } = place
      return { name, region, country, latitude: Number(place.lat), longitude: Number(place.lon) }
    },
    async read({ latitude, longitude }, signal) {
      const query = { location: `${longitude.toFixed(2)},${latitude.toFixed(2)}` }
      const [current, forecast] = await Promise.all([
        get('/v7/weather/now', query, Now, signal),
        get('/v7/weather/3d', query, Days, signal),
      ])
      if (!current) throw weatherFailed()
      const { now } = current
      const known = (value: string | undefined) => (value === undefined ? null : Number(value))
      return {
        observed_at: Number.isNaN(Date.parse(now.obsTime)) ? null : new Date(now.obsTime).toISOString(),
        temperature: Number(now.temp),
        feels_like: known(now.feelsLike),
        humidity: known(now.humidity),
        wind_speed: known(now.windSpeed),
        condition: conditionOf(now.icon),
        days: (forecast?.daily ?? []).slice(0, 3).map(day => ({
          date: day.fxDate,
          min: Number(day.tempMin),
          max: Number(day.tempMax),
          condition: conditionOf(day.iconDay),
        })),
      }
    },
  }
}

/** Their icon codes: https://dev.qweather.com/docs/resource/icons/ */
function conditionOf(icon: string): Condition {
  const code = Number(icon)
  if (code === 100 || code === 150) return 'clear'
  if ((code >= 101 && code <= 103) || (code >= 151 && code <= 153)) return 'partly_cloudy'
  if (code === 104) return 'cloudy'
  if (code >= 302 && code <= 304) return 'thunderstorm'
  if (code === 300 || code === 301 || code === 350 || code === 351) return 'showers'
  if (code === 309) return 'drizzle'
  if (code === 313 || (code >= 404 && code <= 406) || code === 456) return 'sleet'
  if (code === 399 || (code >= 305 && code <= 318)) return 'rain'
  if (code >= 400 && code <= 499) return 'snow'
  if ([503, 504, 507, 508].includes(code)) return 'dust'
  if (code >= 500 && code <= 515) return 'fog'
  return 'unknown'
}
