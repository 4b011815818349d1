import {
  BulbOutlined,
  CommentOutlined,
  DownloadOutlined,
  FolderAddOutlined,
  ImportOutlined,
  InboxOutlined,
  MoreOutlined,
  UserOutlined,
} from '@ant-design/icons'
import { Button, Dropdown, type MenuProps } from 'antd'
import { useTranslation } from 'react-i18next'
import { useNavigate, useSearchParams } from 'react-router'
import { address } from '#api/client.ts'
import { useChatDialogs } from '../dialogs/chat-dialogs.tsx'
import { startDownload } from './use-conversation-actions.tsx'

/** What concerns all conversations. */
export function MoreMenu() {
  const { t } = useTranslation('chat')
  const navigate = useNavigate()
  const [search, setSearch] = useSearchParams()
  const dialogs = useChatDialogs()
  const items: MenuProps['items'] = [
    { key: 'temporary', icon: <CommentOutlined />, label: t('temporary.start') },
    { key: 'new-folder', icon: <FolderAddOutlined />, label: t('list.newFolder') },
    { key: 'archived', icon: <InboxOutlined />, label: t('list.archived') },
    { key: 'instructions', icon: <UserOutlined />, label: t('instructions.title') },
    { key: 'memories', icon: <BulbOutlined />, label: t('memory.title') },
    { type: 'divider' },
    { key: 'import', icon: <ImportOutlined />, label: t('imports.action') },
    { key: 'export', icon: <DownloadOutlined />, label: t('list.exportAll') },
  ]
  const onClick: MenuProps['onClick'] = ({ key }) => {
    if (key === 'temporary') navigate('/chat?temporary=1')
    else if (key === 'new-folder') dialogs.newFolder()
    else if (key === 'archived') {
      const next = new URLSearchParams(search)
      next.set('list', 'archived')
      setSearch(next)
    } else if (key === 'instructions') dialogs.instructions()
    else if (key === 'memories') navigate('/chat/memories')
    else if (key === 'import') dialogs.import()
    else startDownload(address('/chat/export'))
  }
  return (
    <Dropdown trigger={['click']} placement="bottomRight" menu={{ items, onClick }}>
      <Button type="text" icon={<MoreOutlined />} aria-label={t('list.more')} />
    </Dropdown>
  )
}
