import { Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useTemplate, useTemplates } from '#api/cards.ts'
import { useCan } from '#api/me.ts'

/** Only who makes cards sees which there are. */
export const useMayChooseCards = (): boolean => useCan()('cards.templates.manage')

/** The template of a card as a form field; empty for none. */
export function CardField({
  value,
  onChange,
  id,
}: {
  value?: string
  onChange?: (id: string | undefined) => void
  id?: string
}) {
  const { t } = useTranslation('devices')
  const [q, setQ] = useState('')
  const found = useTemplates(q ? { q } : {})
  const chosen = useTemplate(value)
  const options = (found.data?.items ?? []).map(template => ({ value: template.id, label: template.name }))
  const isListed = options.some(option => option.value === value)
  const name = chosen.data?.name ?? (chosen.isError ? t('library.cardGone') : '…')
  return (
    <Select
      {...(id ? { id } : {})}
      value={value ?? null}
      onChange={next => onChange?.(next ?? undefined)}
      placeholder={t('library.cardEverybody')}
      allowClear
      showSearch={{ filterOption: false, onSearch: setQ }}
      loading={found.isPending}
      options={value && !isListed && !q ? [{ value, label: name }, ...options] : options}
    />
  )
}
