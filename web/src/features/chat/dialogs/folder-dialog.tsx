import { useQueryClient } from '@tanstack/react-query'
import { Form, Input, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import { chatKeys } from '#api/chat.ts'
import { api } from '#api/client.ts'
import { useWrite } from '#api/query.ts'
import type { Conversation, Folder } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { cacheConversation } from '../list/list-cache.ts'

/** Makes a folder (and moves a conversation into it), or gives one another name. */
export default function FolderDialog({
  folder,
  conversation,
  onClose,
}: {
  folder: Folder | null
  conversation: Conversation | null
  onClose: () => void
}) {
  const { t } = useTranslation(['chat', 'app'])
  const client = useQueryClient()
  const [form] = Form.useForm<{ name: string }>()
  const save = useWrite(async ({ name }: { name: string }) => {
    if (folder) {
      await api.patch<Folder>(`/chat/folders/${folder.id}`, { name })
      return
    }
    const made = await api.post<Folder>('/chat/folders', { name })
    if (!conversation) return
    const patch = { folder_id: made.id }
    cacheConversation(client, await api.patch<Conversation>(`/chat/conversations/${conversation.id}`, patch))
  }, chatKeys.folders)
  return (
    <Modal
      open
      title={folder ? t('list.renameFolder') : t('list.newFolder')}
      okText={t('app:common.save')}
      confirmLoading={save.isPending}
      onOk={form.submit}
      onCancel={onClose}
      closable={{ 'aria-label': t('app:common.close') }}
    >
      <ErrorAlert error={save.error} />
      <Form
        form={form}
        layout="vertical"
        initialValues={{ name: folder?.name ?? '' }}
        onFinish={input =>
          save.mutate(input, { onSuccess: onClose, onError: error => showFieldErrors(form, error) })
        }
      >
        <Form.Item
          label={t('list.folderName')}
          name="name"
          rules={[{ required: true, whitespace: true, message: t('list.folderNameRequired') }]}
        >
          <Input maxLength={100} autoFocus />
        </Form.Item>
      </Form>
    </Modal>
  )
}
