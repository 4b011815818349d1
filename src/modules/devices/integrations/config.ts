import { choice, integer, secret, text } from '#core/config.ts'

/** The settings of what devices know of the world. */
export const integrationSettings = {
  DEVICES_WEATHER: choice(
    'Where the weather comes from. open_meteo needs no key (free for uses that earn nothing); qweather needs DEVICES_WEATHER_URL and DEVICES_WEATHER_KEY, openweather the key.',
    ['open_meteo', 'qweather', 'openweather', 'off'],
    'open_meteo',
    { reloadable: true },
  ),
  DEVICES_WEATHER_URL: text(
    'Address of the weather service: the API host of your QWeather account, or a server of your own with the same paths. Empty: the public one.',
    '',
    { reloadable: true },
  ),
  DEVICES_WEATHER_KEY: secret('Key of the weather service.', { reloadable: true }),
  DEVICES_MEDIA_MAX_MB: integer('Largest file of the music and dance library, in MB.', 100, {
    min: 1,
    max: 2000,
    reloadable: true,
  }),
}
