import { theme } from 'antd'
import { BarChart, LineChart } from 'echarts/charts'
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { type EChartsType, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import style from './chart.module.css'
import type { ChartProps } from './chart.tsx'
import { useFormat } from './format.tsx'
import { chartColors } from './theme.ts'
import { useTheme } from './theme-mode.tsx'

use([BarChart, LineChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, SVGRenderer])

/** The drawing itself; see `Chart`, which brings the table and loads this file. */
export default function ChartCanvas({ title, unit, kind = 'line', labels, series, formatValue }: ChartProps) {
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<EChartsType>(null)
  const { mode } = useTheme()
  const { token } = theme.useToken()
  const format = useFormat()

  useEffect(() => {
    if (!host.current) return
    const made = init(host.current, null, { renderer: 'svg' })
    chart.current = made
    const observer = new ResizeObserver(() => made.resize())
    observer.observe(host.current)
    return () => {
      observer.disconnect()
      made.dispose()
    }
  }, [])

  useEffect(() => {
    const write = (value: number) => (formatValue ? formatValue(value, format) : format.compact(value))
    const text = { color: token.colorTextSecondary, fontFamily: token.fontFamily }
    const isRows = kind === 'rows'
    const names = {
      type: 'category',
      data: [...labels],
      inverse: isRows,
      boundaryGap: kind !== 'line',
      axisLabel: { ...text, hideOverlap: true, ...(isRows && { width: 120, overflow: 'truncate' }) },
      axisLine: { lineStyle: { color: token.colorBorder } },
      axisTick: { show: false },
    }
    const numbers = {
      type: 'value',
      name: unit,
      nameLocation: 'end',
      nameTextStyle: {
        ...text,
        align: isRows ? 'right' : 'left',
        ...(isRows && { verticalAlign: 'top', padding: [24, 0, 0, 0] }),
      },
      axisLabel: { ...text, formatter: write, hideOverlap: true },
      splitLine: { lineStyle: { color: token.colorBorderSecondary } },
    }
    chart.current?.setOption(
      {
        animation: !matchMedia('(prefers-reduced-motion: reduce)').matches,
        animationDuration: 200,
        aria: { enabled: true, label: { description: title } },
        color: [...chartColors[mode]],
        textStyle: text,
        grid: {
          left: 8,
          right: 8,
          top: 32,
          bottom: (series.length > 1 ? 32 : 4) + (isRows ? 16 : 0),
          containLabel: true,
        },
        legend: { show: series.length > 1, bottom: 0, type: 'scroll', icon: 'roundRect', textStyle: text },
        tooltip: {
          trigger: 'axis',
          axisPointer: { type: kind === 'line' ? 'line' : 'shadow' },
          backgroundColor: token.colorBgElevated,
          borderColor: token.colorBorder,
          textStyle: { color: token.colorText },
          valueFormatter: (value: unknown) =>
            typeof value === 'number'
              ? `${formatValue ? formatValue(value, format) : format.number(value)}`
              : '–',
        },
        xAxis: isRows ? numbers : names,
        yAxis: isRows ? names : numbers,
        series: series.map(each => ({
          type: kind === 'line' ? 'line' : 'bar',
          name: each.name,
          data: [...each.values],
          showSymbol: labels.length < 2,
          symbolSize: 6,
          barMaxWidth: 28,
          ...(kind === 'line' ? { lineStyle: { width: 2 } } : { stack: 'all' }),
        })),
      },
      { notMerge: true },
    )
  }, [title, unit, kind, labels, series, formatValue, mode, token, format])

  return <div ref={host} className={style.canvas} />
}
