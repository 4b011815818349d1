import { useQuery } from '@tanstack/react-query'
import { Button, Form } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, Navigate, useLocation, useNavigate } from 'react-router'
import { meQuery, useChangePassword, useSignInByLink } from '#api/identity.ts'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { LinkButton } from '#ui/link-button.tsx'
import { useDocumentTitle } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import { NewPasswordField, tokenFromHash } from './fields.tsx'
import style from './identity.module.css'

/** `/sign-in/link#token=…`: signs in once, then asks for a password. */
export function Component() {
  const { t } = useTranslation('identity')
  useDocumentTitle(t('link.title'))
  const { hash } = useLocation()
  const [token] = useState(() => tokenFromHash(hash))
  const { mutate, ...signIn } = useSignInByLink()
  const isSent = useRef(false)
  const me = useQuery({ ...meQuery, enabled: token === null })

  useEffect(() => {
    if (token === null || isSent.current) return
    isSent.current = true
    // The token is spent; it should not stay in the address bar and the history.
    history.replaceState(history.state, '', '/sign-in/link')
    mutate(token)
  }, [token, mutate])

  if (signIn.isError) {
    return (
      <>
        <ErrorState title={t('link.failed.title')} error={signIn.error} />
        <LinkButton to="/sign-in" block>
          {t('link.failed.action')}
        </LinkButton>
      </>
    )
  }
  if (signIn.isSuccess || me.data) return <SetPassword />
  if (token === null && !me.isPending) return <Navigate to="/sign-in" replace />
  return (
    <>
      <h1 className={style.title}>{t('link.working')}</h1>
      <FormSkeleton fields={1} />
    </>
  )
}

function SetPassword() {
  const { t } = useTranslation('identity')
  const [form] = Form.useForm()
  const navigate = useNavigate()
  const change = useChangePassword()
  return (
    <>
      <h1 className={style.title}>{t('link.setPassword')}</h1>
      <p className={style.text}>{t('link.welcome')}</p>
      <ErrorAlert error={change.error} />
      <Form
        form={form}
        layout="vertical"
        onFinish={({ new_password }: { new_password: string }) =>
          change.mutate(
            { current_password: null, new_password },
            {
              onSuccess: () => navigate('/', { replace: true }),
              onError: error => showFieldErrors(form, error),
            },
          )
        }
      >
        <NewPasswordField />
        <Button type="primary" htmlType="submit" block size="large" loading={change.isPending}>
          {t('link.submit')}
        </Button>
      </Form>
      <div className={style.links}>
        <Link to="/">{t('link.skip')}</Link>
      </div>
    </>
  )
}
