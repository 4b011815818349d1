export function isTimeZone(name: string | undefined): boolean {
  if (!name) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

export type Format = {
  locale: string
  timeZone: string | undefined
  /** 12345.6 → “12,345.6” */
  number(value: number): string
  /** 123456789 → “1.2亿”, “123M”; exact below 10,000 */
  compact(value: number): string
  percent(fraction: number): string
  /** Micro-units of the currency: 1_500_000 → “¥1.50”. Amounts under a cent keep their first digits. */
  money(micros: number, currency?: string): string
  date(iso: string): string
  dateTime(iso: string): string
  /** To the second, with the zone: what hovering shows. */
  exactTime(iso: string): string
  /** “3 分钟前”, “in 2 hours”; beyond a month the date. */
  relative(iso: string, now?: number): string
  /** 1536 → “1.5 KB” */
  bytes(size: number): string
  /** 950 → “950 ms”, 1500 → “1.5 s” in the language's own units */
  duration(ms: number): string
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]
const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']

export function createFormat(locale: string, timeZone?: string): Format {
  const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 })
  const short = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 })
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 })
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone })
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone })
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long', timeZone })
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: name === 'byte' ? 'long' : 'short',
      maximumFractionDigits: value < 10 ? 1 : 0,
    }).format(value)

  return {
    locale,
    timeZone,
    number: value => plain.format(value),
    compact: value => (Math.abs(value) < 10_000 ? plain.format(value) : short.format(value)),
    percent: fraction => percent.format(fraction),
    money: (micros, currency = 'CNY') => {
      const value = micros / 1_000_000
      const isTiny = value !== 0 && Math.abs(value) < 0.01
      return new Intl.NumberFormat(locale, {
        style: 'currency',
        currency,
        currencyDisplay: 'narrowSymbol',
        ...(isTiny ? { maximumSignificantDigits: 2, minimumFractionDigits: 0 } : {}),
      }).format(value)
    },
    date: iso => date.format(new Date(iso)),
    dateTime: iso => dateTime.format(new Date(iso)),
    exactTime: iso => exact.format(new Date(iso)),
    relative: (iso, now = Date.now()) => {
      const difference = new Date(iso).getTime() - now
      if (Math.abs(difference) > 30 * 86_400_000) return date.format(new Date(iso))
      for (const [name, size] of steps) {
        if (Math.abs(difference) >= size) return relative.format(Math.trunc(difference / size), name)
      }
      return relative.format(0, 'second')
    },
    bytes: size => {
      const step = size < 1 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log(size) / Math.log(1024)))
      return unit(size / 1024 ** step, byteUnits[step] ?? 'byte')
    },
    duration: ms =>
      ms < 1000
        ? unit(Math.round(ms), 'millisecond')
        : ms < 60_000
          ? unit(ms / 1000, 'second')
          : unit(ms / 60_000, 'minute'),
  }
}
