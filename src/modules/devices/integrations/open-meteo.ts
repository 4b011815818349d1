import { z } from 'zod'
import { ask, type Condition, type ProviderOptions, urlOf, type WeatherProvider } from './weather-types.ts'

/* https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/geocoding-api */

const forecastHost = 'https://api.open-meteo.com'
const geocodingHost = 'https://geocoding-api.open-meteo.com'

const Found = z.object({
  results: z
    .array(
      z.object({
        name: z.string(),
        latitude: z.number(),
        longitude: z.number(),
        admin1: z.string().optional(),
        country: z.string().optional(),
      }),
    )
    .optional(),
})

const Forecast = z.object({
  utc_offset_seconds: z.number().optional(),
  current: z.object({
    time: z.string(),
    temperature_2m: z.number(),
    apparent_temperature: z.number().nullish(),
    relative_humidity_2m: z.number().nullish(),
    wind_speed_10m: z.number().nullish(),
    weather_code: z.number(),
  }),
  daily: z.object({
    time: z.array(z.string()),
    weather_code: z.array(z.number().nullable()),
    temperature_2m_min: z.array(z.number().nullable()),
    temperature_2m_max: z.array(z.number().nullable()),
  }),
})

export function createOpenMeteo(options: ProviderOptions): WeatherProvider {
  const { url, key } = options
  const keyed: Record<string, string> = key ? { apikey: key } : {}
  return {
    async find(name, locale, signal) {
      const language = locale === 'en' ? 'en' : 'zh'
      const query = { name, count: 1, language, format: 'json', ...keyed }
      const { results = [] } = await ask(
        options,
        urlOf(url || geocodingHost, '/v1/search', query),
        Found,
        signal,
      )
      const [place] = results
      if (!place) return null
      const { admin1: region = null, country = null, latitude, longitude } = place
      return { name: place.name, region, country, latitude, longitude }
    },
    async read({ latitude, longitude }, signal) {
      const query = {
        latitude,
        longitude,
        current: 'temperature_2m,apparent_temperature,relative_humidity_2m,wind_speed_10m,weather_code',
        daily: 'weather_code,temperature_2m_min,temperature_2m_max',
        timezone: 'auto',
        forecast_days: 3,
        ...keyed,
      }
      const {
        current,
        daily,
        utc_offset_seconds = 0,
      } = await ask(options, urlOf(url || forecastHost, '/v1/forecast', query), Forecast, signal)
      return {
        observed_at: timeAt(current.time, utc_offset_seconds),
        temperature: current.temperature_2m,
        feels_like: current.apparent_temperature ?? null,
        humidity: current.relative_humidity_2m ?? null,
        wind_speed: current.wind_speed_10m ?? null,
        condition: conditionOf(current.weather_code),
        days: daily.time.flatMap((date, i) => {
          const [min, max, code] = [
            daily.temperature_2m_min[i],
            daily.temperature_2m_max[i],
            daily.weather_code[i],
          ]
          return min == null || max == null ? [] : [{ date, min, max, condition: conditionOf(code ?? -1) }]
        }),
      }
    },
  }
}

/** Their times are of the place and do not say so. */
function timeAt(local: string, offsetSeconds: number): string | null {
  const at = Date.parse(`${local}Z`)
  return Number.isNaN(at) ? null : new Date(at - offsetSeconds * 1000).toISOString()
}

/** WMO code 4677, as Open-Meteo groups it. */
function conditionOf(code: number): Condition {
  if (code === 0 || code === 1) return 'clear'
  if (code === 2) return 'partly_cloudy'
  if (code === 3) return 'cloudy'
  if (code === 45 || code === 48) return 'fog'
  if (code === 56 || code === 57 || code === 66 || code === 67) return 'sleet'
  if (code >= 51 && code <= 55) return 'drizzle'
  if (code >= 61 && code <= 65) return 'rain'
  if (code >= 80 && code <= 82) return 'showers'
  if ((code >= 71 && code <= 77) || code === 85 || code === 86) return 'snow'
  if (code >= 95 && code <= 99) return 'thunderstorm'
  return 'unknown'
}
