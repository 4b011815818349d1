import { App, Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation, useNavigate } from 'react-router'
import { useJoinOrganisation } from '#api/identity.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { Page } from '#ui/page.tsx'
import { tokenFromHash } from '../fields.tsx'
import style from '../identity.module.css'

/** `/settings/organisations/join#token=…` */
export function Component() {
  const { t } = useTranslation('identity')
  const { message } = App.useApp()
  const navigate = useNavigate()
  const { hash } = useLocation()
  const [token] = useState(() => tokenFromHash(hash))
  const join = useJoinOrganisation()
  return (
    <Page title={t('join.title')} width="form" back="/settings/organisations">
      {token === null ? (
        <EmptyState title={t('join.missing')} />
      ) : (
        <>
          <p className={style.text}>{t('join.text')}</p>
          <ErrorAlert error={join.error} />
          <Button
            type="primary"
            loading={join.isPending}
            onClick={() =>
              join.mutate(token, {
                onSuccess: () => {
                  message.success(t('join.done'))
                  navigate('/settings/organisations', { replace: true })
                },
              })
            }
          >
            {t('join.submit')}
          </Button>
        </>
      )}
    </Page>
  )
}
