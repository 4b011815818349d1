import type { Locale } from '#core/errors.ts'

/** The language to answer in, from `Accept-Language`: English when it is asked for before Chinese, else Chinese. */
export function localeOf(acceptLanguage: string | undefined): Locale {
  if (!acceptLanguage) return 'zh-CN'
  let best: Locale = 'zh-CN'
  let bestQuality = 0
  for (const part of acceptLanguage.slice(0, 200).split(',')) {
    const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
    const quality = Number(
      parameters
        .find(parameter => parameter.trim().startsWith('q='))
        ?.trim()
        .slice(2) ?? 1,
    )
    const locale = tag.startsWith('en') ? 'en' : tag.startsWith('zh') ? 'zh-CN' : null
    if (locale && quality > bestQuality) {
      best = locale
      bestQuality = quality
    }
  }
  return best
}
