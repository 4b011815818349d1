import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { Navigate } from 'react-router'
import { useSignOut } from '#api/identity.ts'
import { useMe } from '#api/me.ts'
import { useErrorText } from '#ui/error.tsx'
import { Page } from '#ui/page.tsx'
import { PersonAvatar } from '#ui/person-avatar.tsx'
import { useNarrow } from '#ui/use-narrow.ts'
import style from '../identity.module.css'
import { SettingsMenu } from './menu.tsx'

/** `/settings`: on a phone the list of sections, else the first of them. */
export function Component() {
  const { t } = useTranslation('identity')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const isNarrow = useNarrow()
  const me = useMe()
  const signOut = useSignOut()
  if (!isNarrow) return <Navigate to="/settings/profile" replace />
  return (
    <Page title={t('settings.title')}>
      <div className={style.personHead}>
        <PersonAvatar name={me.display_name} url={me.avatar_url} size={48} />
        <div>
          <strong>{me.display_name}</strong>
          <span className={style.muted}>@{me.username}</span>
        </div>
      </div>
      <nav aria-label={t('settings.title')}>
        <SettingsMenu hasArrows />
      </nav>
      <div className={style.links}>
        <Button
          block
          loading={signOut.isPending}
          onClick={() => signOut.mutate(false, { onError: error => message.error(errorText(error)) })}
        >
          {t('settings.signOut')}
        </Button>
      </div>
    </Page>
  )
}
