import type { z } from 'zod'
import { defineError, type Locale } from '#core/errors.ts'
import type { SafeFetch } from '#core/security/safe-fetch.ts'

export const conditions = [
  'clear',
  'partly_cloudy',
  'cloudy',
  'fog',
  'drizzle',
  'rain',
  'showers',
  'sleet',
  'snow',
  'thunderstorm',
  'dust',
  'unknown',
] as const
export type Condition = (typeof conditions)[number]

/** Somewhere on earth. Names are in the language that was asked for, where the service has them. */
export type Place = {
  name: string
  region: string | null
  country: string | null
  latitude: number
  longitude: number
}

/** What a service says, in metric units: °C, km/h, percent. Null: it does not say. */
export type Reading = {
  observed_at: string | null
  temperature: number
  feels_like: number | null
  humidity: number | null
  wind_speed: number | null
  condition: Condition
  /** Today and what follows, at most three days. Dates are those of the place. */
  days: { date: string; min: number; max: number; condition: Condition }[]
}

/** A weather service. Both calls end with the signal and within their own time limit. */
export type WeatherProvider = {
  /** Null: it knows no such place. @throws AppError `weather.failed` */
  find(city: string, locale: Locale, signal: AbortSignal): Promise<Place | null>
  /** @throws AppError `weather.failed` */
  read(place: Place, signal: AbortSignal): Promise<Reading>
}

export type ProviderOptions = { url: string; key: string; safeFetch: SafeFetch }

export const weatherFailed = defineError({
  code: 'weather.failed',
  status: 502,
  en: 'The weather service does not answer as it should. Try again later.',
  'zh-CN': '天气服务暂时不可用，请稍后再试。',
})
export const weatherOff = defineError({
  code: 'weather.not_set_up',
  status: 409,
  en: 'No weather service is set up. An administrator can choose one by DEVICES_WEATHER.',
  'zh-CN': '尚未接入天气服务，管理员可以通过 DEVICES_WEATHER 设置。',
})
export const cityMissing = defineError({
  code: 'weather.city_missing',
  status: 422,
  en: 'Say for which city, or enter yours in your profile.',
  'zh-CN': '请说明是哪个城市，或在个人资料中填写所在城市。',
})
export const cityUnknown = defineError({
  code: 'weather.city_unknown',
  status: 404,
  en: 'The weather service knows no place named “{city}”.',
  'zh-CN': '天气服务找不到“{city}”这个地方。',
})

const time_ms = 8000
const maxBytes = 1024 * 1024

/**
 * One request, checked by a schema.
 * @throws AppError `weather.failed` for whatever is not as it should be
 */
export async function ask<T>(
  { safeFetch }: Pick<ProviderOptions, 'safeFetch'>,
  url: URL,
  schema: z.ZodType<T>,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<T> {
  try {
    const options = { headers, signal, timeout_ms: time_ms, max_bytes: maxBytes, max_redirects: 0 }
    const response = await safeFetch(url.href, options)
    if (response.status !== 200) throw weatherFailed({ status: response.status })
    return schema.parse(await response.json())
  } catch (error) {
    signal.throwIfAborted()
    throw weatherFailed({}, { cause: error })
  }
}

/** The address of a path below a base, which may have a path of its own, with a query. */
export function urlOf(base: string, path: string, query: Record<string, string | number>): URL {
  const url = new URL(`${base.replace(/\/+$/, '')}${path}`)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
  return url
}
