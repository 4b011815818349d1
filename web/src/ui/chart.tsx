import { BarChartOutlined, TableOutlined } from '@ant-design/icons'
import { Button, Table } from 'antd'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import style from './chart.module.css'
import { useFormat } from './format.tsx'
import type { Format } from './format-values.ts'
import { BoxSkeleton } from './skeleton.tsx'

export type ChartSeries = { name: string; values: readonly (number | null)[] }

export type ChartProps = {
  title: string
  /** What the numbers count, shown at the axis: “tokens”, “¥”. */
  unit: string
  /** `bar` stacks its series; `rows` are bars from the left, for labels that are names, the first on top. */
  kind?: 'line' | 'bar' | 'rows'
  /** One label per value: days, models, people. */
  labels: readonly string[]
  series: readonly ChartSeries[]
  /** How a value is written; by default shortened (万, 亿, K). */
  formatValue?: (value: number, format: Format) => string
}

const Canvas = lazy(() => import('./chart-canvas.tsx'))

/** A chart with its table behind it. ECharts is fetched when the first chart is shown. */
export function Chart(props: ChartProps) {
  const { t } = useTranslation('app')
  const [isTable, setTable] = useState(false)
  return (
    <figure className={style.chart}>
      <figcaption className={style.caption}>
        <span>{props.title}</span>
        <Button
          type="text"
          size="small"
          icon={isTable ? <BarChartOutlined /> : <TableOutlined />}
          onClick={() => setTable(!isTable)}
        >
          {isTable ? t('chart.showChart') : t('chart.showTable')}
        </Button>
      </figcaption>
      {isTable ? (
        <ChartTable {...props} />
      ) : (
        <Suspense fallback={<BoxSkeleton shape="chart" />}>
          <Canvas {...props} />
        </Suspense>
      )}
    </figure>
  )
}

function ChartTable({ title, unit, labels, series, formatValue }: ChartProps): ReactNode {
  const format = useFormat()
  const write = (value: number | null | undefined) =>
    value === null || value === undefined
      ? '–'
      : formatValue
        ? formatValue(value, format)
        : format.number(value)
  return (
    <Table
      aria-label={title}
      size="small"
      pagination={false}
      scroll={{ x: 'max-content', y: 280 }}
      dataSource={labels.map((label, index) => ({ label, index }))}
      rowKey="index"
      columns={[
        { title: '', dataIndex: 'label', key: 'label' },
        ...series.map(each => ({
          title: `${each.name} (${unit})`,
          key: each.name,
          align: 'right' as const,
          render: (_: unknown, row: { index: number }) => write(each.values[row.index]),
        })),
      ]}
    />
  )
}
