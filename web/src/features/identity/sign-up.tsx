import { Alert, Button, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { Link, useLocation, useNavigate, useSearchParams } from 'react-router'
import { ApiError } from '#api/client.ts'
import { useAuthPolicy, useSignUp } from '#api/identity.ts'
import type { RegisterInput } from '#api/types.ts'
import { isLanguage } from '#app/i18n/i18n.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { useDocumentTitle } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import { NewPasswordField, safeNext, tokenFromHash } from './fields.tsx'
import style from './identity.module.css'

/** `/sign-up`, and with an invitation `/sign-up#invitation=…`. */
export function Component() {
  const { t } = useTranslation('identity')
  useDocumentTitle(t('signUp.title'))
  const { hash } = useLocation()
  const invitation = tokenFromHash(hash, 'invitation')
  const policy = useAuthPolicy()
  if (policy.isPending) return <FormSkeleton fields={3} />
  if (policy.isError) return <ErrorState error={policy.error} onRetry={() => policy.refetch()} />
  const { sign_up } = policy.data
  if (sign_up === 'closed' && !invitation) {
    return (
      <EmptyState
        isPage
        title={t('signUp.closed.title')}
        description={t('signUp.closed.text')}
        action={<Link to="/sign-in">{t('signUp.signIn')}</Link>}
      />
    )
  }
  return <SignUpForm invitation={invitation} needsInvitation={sign_up !== 'open'} />
}

type SignUpFields = {
  username: string
  display_name?: string
  email?: string
  password: string
  invitation?: string
}

function SignUpForm({
  invitation,
  needsInvitation,
}: {
  invitation: string | null
  needsInvitation: boolean
}) {
  const { t, i18n } = useTranslation('identity')
  const [form] = Form.useForm<SignUpFields>()
  const navigate = useNavigate()
  const [search] = useSearchParams()
  const signUp = useSignUp()
  // The server answers a taken name like a free one; then the sign-in that follows fails.
  const isTaken = signUp.error instanceof ApiError && signUp.error.code === 'auth.invalid_credentials'

  const submit = (fields: SignUpFields) => {
    const input: RegisterInput = {
      username: fields.username.trim(),
      password: fields.password,
      ...(isLanguage(i18n.language) && { locale: i18n.language }),
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }
    if (fields.display_name?.trim()) input.display_name = fields.display_name.trim()
    if (fields.email?.trim()) input.email = fields.email.trim()
    const code = invitation ?? fields.invitation?.trim()
    if (code) input.invitation = code
    signUp.mutate(input, {
      onSuccess: () => navigate(safeNext(search.get('next')), { replace: true }),
      onError: error => showFieldErrors(form, error),
    })
  }

  return (
    <>
      <h1 className={style.title}>{t('signUp.title')}</h1>
      {isTaken ? (
        <Alert type="error" showIcon title={t('signUp.taken')} className={style.alert} />
      ) : (
        <ErrorAlert error={signUp.error} />
      )}
      <Form form={form} layout="vertical" onFinish={submit}>
        {needsInvitation && !invitation && (
          <Form.Item
            label={t('signUp.invitation')}
            name="invitation"
            rules={[{ required: true, whitespace: true, message: t('signUp.invitationRequired') }]}
          >
            <Input maxLength={200} spellCheck={false} />
          </Form.Item>
        )}
        <Form.Item
          label={t('signUp.username')}
          name="username"
          extra={t('signUp.usernameHint')}
          rules={[{ required: true, whitespace: true, message: t('signUp.usernameRequired') }]}
        >
          <Input autoComplete="username" autoCapitalize="off" spellCheck={false} maxLength={40} autoFocus />
        </Form.Item>
        <NewPasswordField label={t('signIn.password')} name="password" />
        <Form.Item label={t('signUp.displayName')} name="display_name" extra={t('signUp.displayNameHint')}>
          <Input autoComplete="name" maxLength={60} />
        </Form.Item>
        <Form.Item
          label={t('signUp.email')}
          name="email"
          extra={t('signUp.emailHint')}
          rules={[{ type: 'email', message: t('signUp.emailInvalid') }]}
          validateTrigger="onBlur"
        >
          <Input type="email" autoComplete="email" maxLength={254} />
        </Form.Item>
        <Button type="primary" htmlType="submit" block size="large" loading={signUp.isPending}>
          {t('signUp.submit')}
        </Button>
      </Form>
      <div className={style.links}>
        <span>
          {t('signUp.haveAccount')}
          <Link to="/sign-in">{t('signUp.signIn')}</Link>
        </span>
      </div>
    </>
  )
}
