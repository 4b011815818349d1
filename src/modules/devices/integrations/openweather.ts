import { z } from 'zod'
import { ask, type Condition, type ProviderOptions, urlOf, type WeatherProvider } from './weather-types.ts'

/*
 * https://openweathermap.org/api: /geo/1.0/direct, /data/2.5/weather and /data/2.5/forecast (five days in steps of
 * three hours, from which the days are made).
 */

const host = 'https://api.openweathermap.org'

const Found = z.array(
  z.object({
    name: z.string(),
    local_names: z.record(z.string(), z.string()).optional(),
    lat: z.number(),
    lon: z.number(),
    state: z.string().optional(),
    country: z.string().optional(),
  }),
)
const Sky = z.array(z.object({ id: z.number() })).min(1)
const Now = z.object({
  dt: z.number(),
  timezone: z.number().default(0),
  main: z.object({ temp: z.number(), feels_like: z.number().optional(), humidity: z.number().optional() }),
  wind: z.object({ speed: z.number() }).optional(),
  weather: Sky,
})
const Steps = z.object({
  list: z.array(
    z.object({
      dt: z.number(),
      main: z.object({ temp_min: z.number(), temp_max: z.number() }),
      weather: Sky,
    }),
  ),
})

const metresPerSecondToKmh = 3.6

export function createOpenweather(options: ProviderOptions): WeatherProvider {
  const base = options.url || host
  return {
    async find(q, locale, signal) {
      const url = urlOf(base, '/geo/1.0/direct', { q, limit: 1, appid: options.key })
      const [place] = await ask(options, url, Found, signal)
      if (!place) return null
      const name = place.local_names?.[locale === 'en' ? 'en' : 'zh'] ?? place.name
      const { state: region = null, country = null, lat: latitude, lon: longitude } = place
      return { name, region, country, latitude, longitude }
    },
    async read({ latitude: lat, longitude: lon }, signal) {
      const query = { lat, lon, units: 'metric', appid: options.key }
      const [now, { list }] = await Promise.all([
        ask(options, urlOf(base, '/data/2.5/weather', query), Now, signal),
        ask(options, urlOf(base, '/data/2.5/forecast', query), Steps, signal),
      ])
      return {
        observed_at: new Date(now.dt * 1000).toISOString(),
        temperature: now.main.temp,
        feels_like: now.main.feels_like ?? null,
        humidity: now.main.humidity ?? null,
        wind_speed: now.wind ? Math.round(now.wind.speed * metresPerSecondToKmh * 10) / 10 : null,
        condition: conditionOf(now.weather[0]?.id ?? 0),
        days: daysOf(list, now.timezone),
      }
    },
  }
}

/** The days of the place, each with the sky of the step nearest to its noon. */
function daysOf(steps: z.output<typeof Steps>['list'], offsetSeconds: number) {
  const local = (dt: number) => new Date((dt + offsetSeconds) * 1000)
  const byDay = Map.groupBy(steps, ({ dt }) => local(dt).toISOString().slice(0, 10))
  return [...byDay].slice(0, 3).map(([date, all]) => {
    const fromNoon = ({ dt }: { dt: number }) => Math.abs(local(dt).getUTCHours() - 12)
    const noon = all.reduce((best, step) => (fromNoon(step) < fromNoon(best) ? step : best))
    return {
      date,
      min: Math.min(...all.map(({ main }) => main.temp_min)),
      max: Math.max(...all.map(({ main }) => main.temp_max)),
      condition: conditionOf(noon.weather[0]?.id ?? 0),
    }
  })
}

/** https://openweathermap.org/weather-conditions */
function conditionOf(id: number): Condition {
  if (id >= 200 && id < 300) return 'thunderstorm'
  if (id >= 300 && id < 400) return 'drizzle'
  if (id === 511 || (id >= 611 && id <= 616)) return 'sleet'
  if (id >= 520 && id < 600) return 'showers'
  if (id >= 500 && id < 600) return 'rain'
  if (id >= 600 && id < 700) return 'snow'
  if (id === 731 || id === 751 || id === 761 || id === 762) return 'dust'
  if (id >= 700 && id < 800) return 'fog'
  if (id === 800) return 'clear'
  if (id === 801 || id === 802) return 'partly_cloudy'
  if (id === 803 || id === 804) return 'cloudy'
  return 'unknown'
}
