import { Tooltip } from 'antd'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createFormat, type Format, isTimeZone } from './format-values.ts'

/** The person's own time zone where the profile names one, else the browser's. */
const TimeZoneContext = createContext<string | undefined>(undefined)

export function TimeZoneProvider({
  timeZone,
  children,
}: {
  timeZone: string | undefined
  children: ReactNode
}) {
  return <TimeZoneContext value={isTimeZone(timeZone) ? timeZone : undefined}>{children}</TimeZoneContext>
}

/** Numbers, money and times in the person's language and zone. */
export function useFormat(): Format {
  const { i18n } = useTranslation('app')
  const timeZone = useContext(TimeZoneContext)
  const locale = i18n.language
  return useMemo(() => createFormat(locale, timeZone), [locale, timeZone])
}

/** A time; hovering shows it exactly. `relative` ones move on by themselves. */
export function Time({
  value,
  style = 'relative',
}: {
  value: string
  style?: 'relative' | 'date' | 'dateTime'
}) {
  const format = useFormat()
  const now = useNow(style === 'relative')
  const text = style === 'relative' ? format.relative(value, now) : format[style](value)
  return (
    <Tooltip title={format.exactTime(value)}>
      <time dateTime={value} className="numbers">
        {text}
      </time>
    </Tooltip>
  )
}

/** An amount in micro-units of its currency; hovering shows all digits. */
export function Money({ micros, currency = 'CNY' }: { micros: number; currency?: string }) {
  const format = useFormat()
  const exact = new Intl.NumberFormat(format.locale, {
    style: 'currency',
    currency,
    maximumFractionDigits: 6,
  }).format(micros / 1_000_000)
  return (
    <Tooltip title={exact}>
      <span className="numbers">{format.money(micros, currency)}</span>
    </Tooltip>
  )
}

/** A count, shortened from 10,000 on (万, 亿, K, M); hovering shows all digits. */
export function Count({ value }: { value: number }) {
  const format = useFormat()
  if (Math.abs(value) < 10_000) return <span className="numbers">{format.number(value)}</span>
  return (
    <Tooltip title={format.number(value)}>
      <span className="numbers">{format.compact(value)}</span>
    </Tooltip>
  )
}

function useNow(isTicking: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isTicking) return
    const timer = setInterval(() => setNow(Date.now()), 60_000)
    return () => clearInterval(timer)
  }, [isTicking])
  return now
}
