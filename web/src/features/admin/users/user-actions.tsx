import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { useChangeUser, useDeleteUser, useSendPasswordReset } from '#api/admin.ts'
import { useMe } from '#api/me.ts'
import type { User } from '#api/types.ts'
import common from '#ui/common.module.css'
import { useErrorText } from '#ui/error.tsx'
import style from '../admin.module.css'
import { SecretLink } from '../secret-link.tsx'

/** What can be done to an account at once: switch off and on, reset link, delete. Never to one's own. */
export function UserActions({ user, onGone }: { user: User; onGone: () => void }) {
  const { t } = useTranslation('admin')
  const errorText = useErrorText()
  const { message, modal } = App.useApp()
  const me = useMe()
  const change = useChangeUser(user.id)
  const remove = useDeleteUser()
  const reset = useSendPasswordReset()
  const name = user.display_name
  const fail = (error: unknown) => void message.error(errorText(error))

  const setActive = (is_active: boolean) =>
    change
      .mutateAsync({ is_active })
      .then(() => message.success(t(is_active ? 'users.enabledDone' : 'users.disabledDone', { name })), fail)
  const askDisable = () =>
    modal.confirm({
      title: t('users.disableAsk', { name }),
      content: t('users.disableText'),
      okText: t('users.disable'),
      okButtonProps: { danger: true },
      onOk: () => setActive(false),
    })
  const askDelete = () =>
    modal.confirm({
      title: t('users.deleteAsk', { name }),
      content: t('users.deleteText'),
      okText: t('users.delete'),
      okButtonProps: { danger: true },
      onOk: () =>
        remove.mutateAsync(user.id).then(() => {
          message.success(t('users.deletedDone', { name }))
          onGone()
        }, fail),
    })
  const sendReset = () =>
    reset.mutate(user.id, {
      onSuccess: ({ sent }) => sent && message.success(t('users.resetSent', { name })),
      onError: fail,
    })

  return (
    <>
      <div className={style.panelActions}>
        <Button loading={reset.isPending} disabled={!user.is_active} onClick={sendReset}>
          {t('users.reset')}
        </Button>
        {user.is_active ? (
          <Button danger disabled={user.id === me.id} onClick={askDisable}>
            {t('users.disable')}
          </Button>
        ) : (
          <Button loading={change.isPending} onClick={() => setActive(true)}>
            {t('users.enable')}
          </Button>
        )}
        <Button danger type="text" disabled={user.id === me.id} onClick={askDelete}>
          {t('users.delete')}
        </Button>
      </div>
      {reset.data?.link && (
        <div className={common.alert}>
          <SecretLink
            link={reset.data.link}
            text={t('users.resetLink', { name })}
            copyLabel={t('users.copyResetLink')}
          />
        </div>
      )}
    </>
  )
}
