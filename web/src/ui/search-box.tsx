import { CloseCircleFilled, SearchOutlined } from '@ant-design/icons'
import { Input } from 'antd'
import { useEffect, useEffectEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import style from './search-box.module.css'

/** A search that is written through a moment after the last key. */
export function SearchBox({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (value: string) => void
}) {
  const { t } = useTranslation('app')
  const [typed, setTyped] = useState(value)
  const commit = useEffectEvent((text: string) => {
    if (text.trim() !== value) onChange(text.trim())
  })
  useEffect(() => {
    const timer = setTimeout(() => commit(typed), 300)
    return () => clearTimeout(timer)
  }, [typed])
  useEffect(() => setTyped(value), [value])
  return (
    <Input
      className={style.search ?? ''}
      prefix={<SearchOutlined aria-hidden="true" />}
      aria-label={label}
      placeholder={label}
      type="search"
      maxLength={100}
      allowClear={{ clearIcon: <CloseCircleFilled aria-label={t('common.clear')} /> }}
      value={typed}
      onChange={event => setTyped(event.target.value)}
    />
  )
}
