import { MenuOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { useSideColumn } from '#ui/side-column.tsx'

/** Opens the second column on phones; nothing where there is none. */
export function MenuButton() {
  const { t } = useTranslation('devices')
  const { isNarrow, open } = useSideColumn()
  if (!isNarrow) return null
  return <Button icon={<MenuOutlined />} aria-label={t('menu.open')} onClick={open} />
}
