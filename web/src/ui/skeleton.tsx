import { useTranslation } from 'react-i18next'
import style from './skeleton.module.css'

/** Grey rows of a list's or table's height while it is read. */
export function ListSkeleton({ rows = 6 }: { rows?: number }) {
  const { t } = useTranslation('app')
  return (
    <div className={style.list} role="status" aria-label={t('common.loading')}>
      {times(rows, index => (
        <span key={index} className={style.row} />
      ))}
    </div>
  )
}

/** Grey labels and fields while a form's values are read. */
export function FormSkeleton({ fields = 4 }: { fields?: number }) {
  const { t } = useTranslation('app')
  return (
    <div className={style.form} role="status" aria-label={t('common.loading')}>
      {times(fields, index => (
        <span key={index} className={style.field}>
          <span className={style.label} />
          <span className={style.control} />
        </span>
      ))}
    </div>
  )
}

/** A grey box that fills its parent's width: `chart` of a chart's height, `bar` a product's place in the bar. */
export function BoxSkeleton({ shape }: { shape: 'chart' | 'bar' }) {
  return <span className={style[shape]} />
}

/** A page that is still on its way: title and rows. */
export function PageSkeleton() {
  return (
    <div className={style.page}>
      <span className={style.title} />
      <ListSkeleton />
    </div>
  )
}

const times = <T,>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))
