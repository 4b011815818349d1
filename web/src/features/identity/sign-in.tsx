import { useQuery } from '@tanstack/react-query'
import { Button, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { Link, Navigate, useNavigate, useSearchParams } from 'react-router'
import { meQuery, useAuthPolicy, useSignIn } from '#api/identity.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { useDocumentTitle } from '#ui/page.tsx'
import { safeNext } from './fields.tsx'
import style from './identity.module.css'

export function Component() {
  const { t } = useTranslation('identity')
  useDocumentTitle(t('signIn.title'))
  const [search] = useSearchParams()
  const next = safeNext(search.get('next'))
  const navigate = useNavigate()
  const me = useQuery(meQuery)
  const signIn = useSignIn()
  if (me.data && signIn.isIdle) return <Navigate to={next} replace />
  return (
    <>
      <h1 className={style.title}>{t('signIn.title')}</h1>
      <ErrorAlert error={signIn.error} />
      <Form
        layout="vertical"
        onFinish={(input: { name: string; password: string }) =>
          signIn.mutate(input, { onSuccess: () => navigate(next, { replace: true }) })
        }
      >
        <Form.Item
          label={t('signIn.name')}
          name="name"
          rules={[{ required: true, whitespace: true, message: t('signIn.nameRequired') }]}
        >
          <Input autoComplete="username" autoCapitalize="off" spellCheck={false} maxLength={254} autoFocus />
        </Form.Item>
        <Form.Item
          label={t('signIn.password')}
          name="password"
          rules={[{ required: true, message: t('signIn.passwordRequired') }]}
        >
          <Input.Password autoComplete="current-password" maxLength={200} />
        </Form.Item>
        <Button type="primary" htmlType="submit" block size="large" loading={signIn.isPending}>
          {t('signIn.submit')}
        </Button>
      </Form>
      <WaysOn next={search.get('next')} />
    </>
  )
}

/** What else one can do here, by the server's policy. */
function WaysOn({ next }: { next: string | null }) {
  const { t } = useTranslation('identity')
  const { data: policy } = useAuthPolicy()
  const query = next ? `?next=${encodeURIComponent(next)}` : ''
  if (!policy) return <div className={style.links}>&nbsp;</div>
  return (
    <div className={style.links}>
      {policy.sign_up === 'open' && (
        <span>
          {t('signIn.noAccount')}
          <Link to={`/sign-up${query}`}>{t('signIn.signUp')}</Link>
        </span>
      )}
      <Link to="/forgot-password">{t('signIn.forgot')}</Link>
      {policy.sign_up === 'invitation' && <span>{t('signIn.byInvitation')}</span>}
      {policy.sign_up === 'closed' && <span>{t('signIn.closed')}</span>}
    </div>
  )
}
