import { DeleteOutlined, EditOutlined, MoreOutlined, PlusOutlined } from '@ant-design/icons'
import { App, Button, Dropdown, type MenuProps } from 'antd'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { chatKeys } from '#api/chat.ts'
import { api } from '#api/client.ts'
import { useWrite } from '#api/query.ts'
import type { Folder } from '#api/types.ts'
import { useErrorText } from '#ui/error.tsx'
import { useChatDialogs } from '../dialogs/chat-dialogs.tsx'
import style from './list.module.css'

export function FolderMenu({ folder }: { folder: Folder }) {
  const { t } = useTranslation(['chat', 'app'])
  const errorText = useErrorText()
  const { modal, message } = App.useApp()
  const navigate = useNavigate()
  const dialogs = useChatDialogs()
  const remove = useWrite(
    (id: string) => api.delete(`/chat/folders/${id}`),
    chatKeys.folders,
    chatKeys.conversations,
  )
  const items: MenuProps['items'] = [
    { key: 'new', icon: <PlusOutlined />, label: t('list.newInFolder') },
    { key: 'rename', icon: <EditOutlined />, label: t('list.rename') },
    { type: 'divider' },
    { key: 'delete', icon: <DeleteOutlined />, label: t('list.deleteFolder'), danger: true },
  ]
  const onClick: MenuProps['onClick'] = ({ key }) => {
    if (key === 'new') navigate(`/chat?folder=${folder.id}`)
    else if (key === 'rename') dialogs.renameFolder(folder)
    else {
      modal.confirm({
        title: t('list.deleteFolderAsk', { name: folder.name }),
        content: t('list.deleteFolderText'),
        okText: t('list.deleteFolder'),
        okButtonProps: { danger: true },
        onOk: () => remove.mutateAsync(folder.id).catch(error => void message.error(errorText(error))),
      })
    }
  }
  return (
    <Dropdown trigger={['click']} placement="bottomRight" menu={{ items, onClick }}>
      <Button
        type="text"
        size="small"
        className={style.menu}
        icon={<MoreOutlined />}
        aria-label={t('list.menuOf', { title: folder.name })}
      />
    </Dropdown>
  )
}
