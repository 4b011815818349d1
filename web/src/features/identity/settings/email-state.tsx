import { App, Button, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useSendEmailLink } from '#api/identity.ts'
import { useMe } from '#api/me.ts'
import { useErrorText } from '#ui/error.tsx'
import style from '../identity.module.css'

/** Whether the address is known to be the person's, and another mail if not. */
export function EmailState() {
  const { t } = useTranslation('identity')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const { email, email_verified_at, pending_email } = useMe()
  const send = useSendEmailLink()
  if (pending_email === null && email === null) return null
  if (pending_email === null && email_verified_at !== null)
    return <Tag color="success">{t('profile.emailState.verified')}</Tag>
  const sendAgain = () =>
    send.mutate(undefined, {
      onSuccess: () => message.success(t('profile.emailState.sent')),
      onError: error => message.error(errorText(error)),
    })
  return (
    <div role="status" className={style.emailState}>
      {pending_email === null ? (
        <Tag color="warning">{t('profile.emailState.unverified')}</Tag>
      ) : (
        <span>
          {email === null ? t('profile.emailState.pendingFirst') : t('profile.emailState.pending', { email })}
        </span>
      )}
      <Button type="link" size="small" loading={send.isPending} onClick={sendAgain}>
        {t('profile.emailState.send')}
      </Button>
    </div>
  )
}
