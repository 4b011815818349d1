import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { User } from '#api/types.ts'

export function UserState({ user }: { user: User }) {
  const { t } = useTranslation('admin')
  return user.is_active ? (
    <Tag color="success">{t('users.active')}</Tag>
  ) : (
    <Tag color="error">{t('users.disabled')}</Tag>
  )
}
