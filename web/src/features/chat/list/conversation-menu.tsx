import {
  DeleteOutlined,
  DownloadOutlined,
  EditOutlined,
  FolderOutlined,
  InboxOutlined,
  PushpinOutlined,
  ShareAltOutlined,
} from '@ant-design/icons'
import type { MenuProps } from 'antd'
import { useTranslation } from 'react-i18next'
import { useFolders } from '#api/chat.ts'
import type { Conversation } from '#api/types.ts'
import { useChatDialogs } from '../dialogs/chat-dialogs.tsx'
import { useConversationActions } from './use-conversation-actions.tsx'

/** The menu of one conversation, for its row and for its page. */
export function useConversationMenu(conversation: Conversation): MenuProps {
  const { t } = useTranslation('chat')
  const { data: folders } = useFolders()
  const dialogs = useChatDialogs()
  const actions = useConversationActions()
  const { folder_id, is_pinned, is_archived, is_temporary } = conversation
  const items: MenuProps['items'] = [
    { key: 'rename', icon: <EditOutlined />, label: t('list.rename') },
    ...(is_temporary
      ? []
      : [
          { key: 'pin', icon: <PushpinOutlined />, label: is_pinned ? t('list.unpin') : t('list.pin') },
          {
            key: 'move',
            icon: <FolderOutlined />,
            label: t('list.move'),
            children: [
              ...(folders?.items ?? []).map(folder => ({
                key: `folder ${folder.id}`,
                label: folder.name,
                disabled: folder.id === folder_id,
              })),
              ...(folder_id ? [{ key: 'folder ', label: t('list.moveOut') }] : []),
              { type: 'divider' as const },
              { key: 'new-folder', label: t('list.newFolder') },
            ],
          },
          { key: 'share', icon: <ShareAltOutlined />, label: t('share.action') },
          {
            key: 'archive',
            icon: <InboxOutlined />,
            label: is_archived ? t('list.unarchive') : t('list.archive'),
          },
        ]),
    {
      key: 'export',
      icon: <DownloadOutlined />,
      label: t('list.export'),
      children: [
        { key: 'markdown', label: t('list.exportMarkdown') },
        { key: 'json', label: t('list.exportJson') },
      ],
    },
    { type: 'divider' },
    { key: 'delete', icon: <DeleteOutlined />, label: t('list.delete'), danger: true },
  ]
  const onClick: MenuProps['onClick'] = ({ key, domEvent }) => {
    domEvent.stopPropagation()
    if (key === 'rename') actions.rename(conversation)
    else if (key === 'pin') void actions.change(conversation, { is_pinned: !is_pinned })
    else if (key === 'archive') void actions.change(conversation, { is_archived: !is_archived })
    else if (key === 'share') dialogs.share(conversation)
    else if (key === 'delete') void actions.remove(conversation)
    else if (key === 'markdown' || key === 'json') actions.download(conversation, key)
    else if (key === 'new-folder') dialogs.newFolder(conversation)
    else if (key.startsWith('folder ')) {
      void actions.change(conversation, { folder_id: key.slice('folder '.length) || null })
    }
  }
  return { items, onClick }
}
