import { Drawer } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useNarrow } from './use-narrow.ts'

/**
 * Detail beside a list, so that the list is not left; a whole page on a phone. Whether it is open belongs in the
 * address (`?user=…`), so that it can be shared and gone back from.
 */
export function Panel({
  title,
  isOpen,
  onClose,
  footer,
  children,
}: {
  title: ReactNode
  isOpen: boolean
  onClose: () => void
  footer?: ReactNode
  children: ReactNode
}) {
  const { t } = useTranslation('app')
  const isNarrow = useNarrow()
  return (
    <Drawer
      open={isOpen}
      onClose={onClose}
      title={title}
      size={isNarrow ? '100%' : 480}
      footer={footer}
      destroyOnHidden
      closable={{ 'aria-label': t('common.close') }}
    >
      {children}
    </Drawer>
  )
}
