import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Registration } from '#api/device-types.ts'

const colours = {
  produced: 'default',
  activated: 'processing',
  bound: 'success',
  retired: 'warning',
} as const

export function RegistrationTags({ row }: { row: Registration }) {
  const { t } = useTranslation('devices')
  return (
    <>
      <Tag color={colours[row.state]}>{t(`registrations.counts.${row.state}`)}</Tag>
      {row.approval !== 'approved' && <Tag color="error">{t(`registrations.${row.approval}`)}</Tag>}
    </>
  )
}
