import { LinkOutlined } from '@ant-design/icons'
import { App, Button, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import { chatKeys, useShares } from '#api/chat.ts'
import { api } from '#api/client.ts'
import { useWrite } from '#api/query.ts'
import type { Conversation, Share } from '#api/types.ts'
import { CopyButton, copyText } from '#ui/copy.tsx'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from './dialogs.module.css'

const linkOf = (share: Share): string => new URL(share.url_path, location.origin).href

/** Read-only links to a conversation: make, copy, revoke. */
export default function ShareDialog({
  conversation,
  onClose,
}: {
  conversation: Conversation
  onClose: () => void
}) {
  const { t } = useTranslation(['chat', 'app'])
  const { message } = App.useApp()
  const shares = useShares(conversation.id)
  const key = [...chatKeys.conversation(conversation.id), 'shares']
  const create = useWrite(() => api.post<Share>(`/chat/conversations/${conversation.id}/shares`), key)
  const make = () =>
    create.mutate(undefined, {
      onSuccess: async share => {
        if (await copyText(linkOf(share))) message.success(t('share.copied'))
      },
    })
  const items = shares.data?.items ?? []
  return (
    <Modal
      open
      title={t('share.title')}
      onCancel={onClose}
      closable={{ 'aria-label': t('app:common.close') }}
      footer={
        <Button type="primary" icon={<LinkOutlined />} loading={create.isPending} onClick={make}>
          {items.length > 0 ? t('share.createAnother') : t('share.create')}
        </Button>
      }
    >
      <p className={style.text}>{t('share.text')}</p>
      <ErrorAlert error={create.error ?? shares.error} />
      {shares.isPending ? (
        <ListSkeleton rows={1} />
      ) : (
        items.length > 0 && (
          <ul className={style.shares} aria-label={t('share.list')}>
            {items.map(share => (
              <ShareRow key={share.id} share={share} listKey={key} />
            ))}
          </ul>
        )
      )}
    </Modal>
  )
}

function ShareRow({ share, listKey }: { share: Share; listKey: readonly unknown[] }) {
  const { t } = useTranslation('chat')
  const errorText = useErrorText()
  const { message } = App.useApp()
  const revoke = useWrite(() => api.delete(`/chat/shares/${share.id}`), listKey)
  const href = linkOf(share)
  return (
    <li className={style.share}>
      <span className={style.shareText}>
        <a href={href} target="_blank" rel="noopener" className={style.shareLink}>
          {href}
        </a>
        <Time value={share.created_at} style="dateTime" />
      </span>
      <CopyButton text={href} label={t('share.copy')} />
      <Button
        size="small"
        danger
        loading={revoke.isPending}
        onClick={() =>
          revoke.mutate(undefined, {
            onSuccess: () => void message.success(t('share.revoked')),
            onError: error => void message.error(errorText(error)),
          })
        }
      >
        {t('share.revoke')}
      </Button>
    </li>
  )
}
