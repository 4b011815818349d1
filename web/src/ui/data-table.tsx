import { Button, Table } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import style from './data-table.module.css'
import { ErrorAlert, ErrorState } from './error.tsx'
import { ListSkeleton } from './skeleton.tsx'
import { useNarrow } from './use-narrow.ts'

export type Column<T> = {
  key: string
  /** May be empty for the `actions` column. */
  title: string
  render: (row: T) => ReactNode
  /** CSS width; without it the column shares what is left. */
  width?: number | string
  align?: 'left' | 'right'
  /** On phones a row is a card: its heading is the `title` column, its buttons the `actions` column. */
  role?: 'title' | 'actions'
}

/** A list while it is read; of one that comes whole, there is no next page. */
type Reading<T> = {
  isPending: boolean
  isError: boolean
  error: Error | null
  data: { items: readonly T[] } | undefined
  refetch: () => unknown
  hasNextPage?: boolean
  isFetchingNextPage?: boolean
  fetchNextPage?: () => unknown
}

type DataTableProps<T> = {
  /** Accessible name of the table. */
  label: string
  columns: Column<T>[]
  rowKey: (row: T) => string
  /** From `usePages`, from a query of a whole list, or rows that are all there already. */
  pages: Reading<T> | { rows: readonly T[] }
  /** What to show when there is nothing; see `EmptyState`. */
  empty: ReactNode
  onRowClick?: (row: T) => void
}

/** A list that is read, page by page where it is long; a table, and on phones a list of cards. Brings its own loading, error and empty views. */
export function DataTable<T extends object>({ pages, ...table }: DataTableProps<T>) {
  const { t } = useTranslation('app')
  if ('rows' in pages) return <Rows {...table} rows={pages.rows} />
  if (pages.isPending) return <ListSkeleton />
  if (!pages.data) return <ErrorState error={pages.error} onRetry={() => pages.refetch()} />
  return (
    <>
      {pages.isError && <ErrorAlert error={pages.error} />}
      <Rows {...table} rows={pages.data.items} />
      {pages.hasNextPage && (
        <div className={style.more}>
          <Button loading={pages.isFetchingNextPage ?? false} onClick={() => pages.fetchNextPage?.()}>
            {t('table.more')}
          </Button>
        </div>
      )}
    </>
  )
}

type RowsProps<T> = Omit<DataTableProps<T>, 'pages'> & { rows: readonly T[] }

function Rows<T extends object>(props: RowsProps<T>) {
  const isNarrow = useNarrow()
  if (props.rows.length === 0) return props.empty
  return isNarrow ? <Cards {...props} /> : <Wide {...props} />
}

function Wide<T extends object>({ label, columns, rowKey, rows, onRowClick }: RowsProps<T>) {
  const { t } = useTranslation('app')
  return (
    <Table<T>
      aria-label={label}
      dataSource={rows as T[]}
      rowKey={rowKey}
      pagination={false}
      size="middle"
      tableLayout="fixed"
      columns={columns.map(column => ({
        key: column.key,
        title:
          column.role === 'actions' ? (
            <span className="visually-hidden">{column.title || t('table.actions')}</span>
          ) : (
            column.title
          ),
        width: column.width,
        align: column.align,
        render: (_: unknown, row: T) => column.render(row),
      }))}
      onRow={row => (onRowClick ? { onClick: () => onRowClick(row), className: style.clickable } : {})}
    />
  )
}

function Cards<T>({ label, columns, rowKey, rows, onRowClick }: RowsProps<T>) {
  const title = columns.find(column => column.role === 'title')
  const actions = columns.find(column => column.role === 'actions')
  const facts = columns.filter(column => column.role === undefined)
  return (
    <ul className={style.cards} aria-label={label}>
      {rows.map(row => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the title column holds the link or button for the keyboard.
        <li
          key={rowKey(row)}
          className={style.card}
          data-clickable={onRowClick !== undefined}
          onClick={onRowClick && (() => onRowClick(row))}
        >
          <div className={style.cardHead}>
            <div className={style.cardTitle}>{title?.render(row)}</div>
            {actions?.render(row)}
          </div>
          <dl className={style.facts}>
            {facts.map(column => (
              <div key={column.key} className={style.fact}>
                <dt>{column.title}</dt>
                <dd>{column.render(row)}</dd>
              </div>
            ))}
          </dl>
        </li>
      ))}
    </ul>
  )
}
