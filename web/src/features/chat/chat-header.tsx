import { MenuOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Tag } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { LinkButton } from '#ui/link-button.tsx'
import { useSideColumn } from '#ui/side-column.tsx'
import style from './chat.module.css'

/** Over a conversation: its title, what can be done with it, and on phones the way to the others. */
export function ChatHeader({
  title,
  isTemporary = false,
  actions,
}: {
  title: string
  isTemporary?: boolean
  actions?: ReactNode
}) {
  const { t } = useTranslation('chat')
  const side = useSideColumn()
  return (
    <header className={style.header}>
      {side.isNarrow && (
        <Button type="text" icon={<MenuOutlined />} aria-label={t('list.open')} onClick={side.open} />
      )}
      <h1 className={style.title} title={title}>
        {title}
      </h1>
      {isTemporary && <Tag>{t('temporary.tag')}</Tag>}
      {actions}
      {side.isNarrow && (
        <LinkButton to="/chat" type="text" icon={<PlusOutlined />} aria-label={t('list.new')} />
      )}
    </header>
  )
}
