import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Locale } from '#core/errors.ts'
import { createSafeFetch } from '#core/security/safe-fetch.ts'
import { type FakeServer, type RecordedRequest, startFakeServer } from '#core/testing/fake-server.ts'
import { signUp } from '#modules/identity/testing.ts'
import { startTalkApp } from '../socket/talk.testing.ts'
import { createOpenMeteo } from './open-meteo.ts'
import { createOpenweather } from './openweather.ts'
import { createQweather } from './qweather.ts'
import type { Weather } from './weather.ts'
import type { ProviderOptions, WeatherProvider } from './weather-types.ts'

type Fault = null | 'refused' | 'broken' | 'malformed' | 'cut' | 'strange'

let server: FakeServer
let fault: Fault = null

/** A server that speaks all three services' formats, on their own paths, and fails as it is told. */
beforeAll(async () => {
  server = await startFakeServer(async (request, response) => {
    if (fault === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"current"')
      setImmediate(() => response.destroy())
      return
    }
    if (fault === 'refused') return send(response, 401, { message: 'no such key' })
    if (fault === 'broken') return send(response, 500, 'oops')
    if (fault === 'malformed') return send(response, 200, '<html>')
    if (fault === 'strange') return send(response, 200, { code: '402', current: { temperature_2m: 'warm' } })
    send(response, 200, answerTo(new URL(request.path, 'http://localhost'), request))
  })
})
beforeEach(() => {
  fault = null
  server.requests.length = 0
})
afterAll(() => server.stop())

function send(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

function answerTo({ pathname, searchParams }: URL, { headers }: RecordedRequest): unknown {
  const name = ['name', 'location', 'q'].map(key => searchParams.get(key)).find(value => value !== null)
  const isUnknown = name === 'Nowhere'
  const isEnglish = (searchParams.get('language') ?? searchParams.get('lang')) === 'en'
  const beijing = isEnglish ? 'Beijing' : '北京'
  if (pathname.startsWith('/v7') || pathname.startsWith('/geo/v2'))
    if (headers['x-qw-api-key'] !== 'secret') return { code: '401' }
  if (!pathname.startsWith('/v1') && !pathname.includes('v7') && !pathname.includes('v2'))
    if (searchParams.get('appid') !== 'secret') return { cod: 401 }
  switch (pathname) {
    case '/v1/search':
      return isUnknown
        ? { generationtime_ms: 0.1 }
        : {
            results: [{ name: beijing, latitude: 39.9, longitude: 116.4, country: '中国', admin1: '北京市' }],
          }
    case '/v1/forecast':
      return {
        utc_offset_seconds: 28_800,
        current: {
          time: '2026-11-21T20:15',
          temperature_2m: 3.2,
          apparent_temperature: 0.4,
          relative_humidity_2m: 40,
          wind_speed_10m: 7.2,
          weather_code: 71,
        },
        daily: {
          time: ['2026-11-21', '2026-11-22'],
          weather_code: [71, 0],
          temperature_2m_min: [-4, null],
          temperature_2m_max: [5, 6],
        },
      }
    case '/geo/v2/city/lookup':
      return isUnknown
        ? { code: '404' }
        : {
            code: '200',
            location: [
              {
                name: beijing,
                id: '101010100',
                lat: '39.90499',
                lon: '116.40529',
                adm1: '北京市',
                country: '中国',
              },
            ],
          }
    case '/v7/weather/now':
      return {
        code: '200',
        now: {
          obsTime: '2026-11-21T20:15+08:00',
          temp: '3.2',
          feelsLike: '0.4',
          icon: '400',
          text: '小雪',
          windSpeed: '7.2',
          humidity: '40',
        },
      }
    case '/v7/weather/3d':
      return {
        code: '200',
        daily: [{ fxDate: '2026-11-21', tempMax: '5', tempMin: '-4', iconDay: '400', textDay: '小雪' }],
      }
    case '/geo/1.0/direct':
      return isUnknown
        ? []
        : [
            {
              name: 'Beijing',
              local_names: { zh: '北京', en: 'Beijing' },
              lat: 39.9,
              lon: 116.4,
              country: 'CN',
            },
          ]
    case '/data/2.5/weather':
      return {
        dt: Date.parse('2026-11-21T12:15:00Z') / 1000,
        timezone: 28_800,
        main: { temp: 3.2, feels_like: 0.4, humidity: 40 },
        wind: { speed: 2 },
        weather: [{ id: 600 }],
      }
    case '/data/2.5/forecast':
      return {
        list: [
          step('2026-11-21T04:00:00Z', -4, 5, 600),
          // Already the next day in Beijing.
          step('2026-11-21T18:00:00Z', -3, 2, 800),
          step('2026-11-22T04:00:00Z', 1, 6, 801),
        ],
      }
  }
  return {}
}

const step = (at: string, temp_min: number, temp_max: number, id: number) => ({
  dt: Date.parse(at) / 1000,
  main: { temp_min, temp_max },
  weather: [{ id }],
})

const providers: Record<string, (options: ProviderOptions) => WeatherProvider> = {
  open_meteo: createOpenMeteo,
  qweather: createQweather,
  openweather: createOpenweather,
}
const never = new AbortController().signal

describe.each(Object.entries(providers))('%s', (name, create) => {
  const open = (key = 'secret') =>
    create({ url: server.url, key, safeFetch: createSafeFetch({ allow: () => ['127.0.0.1'] }) })
  const find = (city: string, locale: Locale = 'zh-CN') => open().find(city, locale, never)

  test('finds a place in the reader’s language, and none where there is none', async () => {
    expect(await find('北京')).toMatchObject({ name: '北京', longitude: expect.closeTo(116.4, 1) })
    expect((await find('Beijing', 'en'))?.name).toBe('Beijing')
    expect(await find('Nowhere')).toBeNull()
  })

  test('reads the weather in metric units', async () => {
    const place = await find('北京')
    if (!place) throw new Error('There is no place')
    const reading = await open().read(place, never)
    expect(reading).toMatchObject({
      observed_at: '2026-11-21T12:15:00.000Z',
      temperature: 3.2,
      feels_like: 0.4,
      humidity: 40,
      wind_speed: 7.2,
      condition: 'snow',
    })
    expect(reading.days[0]).toEqual({ date: '2026-11-21', min: -4, max: 5, condition: 'snow' })
    if (name === 'openweather')
      expect(reading.days[1]).toEqual({ date: '2026-11-22', min: -3, max: 6, condition: 'partly_cloudy' })
  })

  test.each(['refused', 'broken', 'malformed', 'cut', 'strange'] as const)(
    'an answer that is %s is a failure of the service',
    async kind => {
      fault = kind
      const place = { name: '', region: null, country: null, latitude: 39.9, longitude: 116.4 }
      await expect(open().read(place, never)).rejects.toMatchObject({ code: 'weather.failed' })
    },
  )

  test('a caller who goes away ends the call', async () => {
    await expect(open().find('北京', 'en', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  })
})

test('over HTTP: the city of the profile, kept for a while, and clear words where there is none', async () => {
  const app = await startTalkApp({
    settings: {
      DEVICES_WEATHER: 'qweather',
      DEVICES_WEATHER_URL: server.url,
      DEVICES_WEATHER_KEY: 'secret',
      OUTBOUND_ALLOW: '127.0.0.1',
    },
  })
  try {
    const user = await signUp(app)
    const headers = { ...user.headers, 'content-type': 'application/json', 'accept-language': 'en' }
    const ask = async (query = '') => {
      const response = await app.fetch(`/api/v1/devices/weather${query}`, { headers })
      return { status: response.status, body: (await response.json()) as Weather & { code?: string } }
    }
    expect(await ask()).toMatchObject({ status: 422, body: { code: 'weather.city_missing' } })
    const profile = { method: 'PATCH', headers, body: JSON.stringify({ profile: { city: '北京' } }) }
    expect((await app.fetch('/api/v1/users/me', profile)).status).toBe(200)
    const { status, body } = await ask()
    expect(status).toBe(200)
    expect(body).toMatchObject({ city: 'Beijing', temperature: 3.2, text: 'snow', source: 'qweather' })
    const asked = server.requests.length
    expect((await ask()).body).toEqual(body)
    expect(server.requests).toHaveLength(asked)
    expect(await ask('?city=Nowhere')).toMatchObject({ status: 404, body: { code: 'weather.city_unknown' } })
    fault = 'broken'
    expect(await ask('?city=Paris')).toMatchObject({ status: 502, body: { code: 'weather.failed' } })
    // What failed is not kept.
    fault = null
    expect((await ask('?city=Paris')).status).toBe(200)
  } finally {
    await app.stop()
  }
}, 120_000)
