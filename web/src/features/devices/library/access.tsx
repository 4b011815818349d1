import { LockOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { MediaItem } from '#api/device-types.ts'

/** For whom a piece is. */
export function Access({ piece }: { piece: MediaItem }) {
  const { t } = useTranslation('devices')
  if (piece.template_id === null) return t('library.accesses.everybody')
  if (piece.is_unlocked) return <Tag color="success">{t('library.accesses.unlocked')}</Tag>
  return <Tag icon={<LockOutlined aria-hidden="true" />}>{t('library.accesses.locked')}</Tag>
}
