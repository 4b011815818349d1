import { CheckCircleOutlined, LinkOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useLocation } from 'react-router'
import { useVerifyEmail } from '#api/identity.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { useDocumentTitle } from '#ui/page.tsx'
import { tokenFromHash } from './fields.tsx'
import style from './identity.module.css'

/** `/verify-email#token=…`, from the mail. A button, since programs that look through mail open links too. */
export function Component() {
  const { t } = useTranslation('identity')
  useDocumentTitle(t('verify.title'))
  const { hash } = useLocation()
  const [token] = useState(() => tokenFromHash(hash))
  const verify = useVerifyEmail()
  if (token === null) {
    return (
      <EmptyState
        isPage
        icon={<LinkOutlined />}
        title={t('verify.missing.title')}
        description={t('verify.missing.text')}
        action={<Link to="/settings/profile">{t('verify.missing.action')}</Link>}
      />
    )
  }
  if (verify.isSuccess) {
    return (
      <EmptyState
        isPage
        icon={<CheckCircleOutlined />}
        title={t('verify.done.title')}
        description={t('verify.done.text')}
        action={<Link to="/">{t('verify.done.action')}</Link>}
      />
    )
  }
  return (
    <>
      <h1 className={style.title}>{t('verify.title')}</h1>
      <p className={style.text}>{t('verify.text')}</p>
      <ErrorAlert error={verify.error} />
      <Button
        type="primary"
        block
        size="large"
        loading={verify.isPending}
        onClick={() => verify.mutate(token)}
      >
        {t('verify.submit')}
      </Button>
    </>
  )
}
