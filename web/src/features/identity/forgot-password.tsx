import { MailOutlined } from '@ant-design/icons'
import { Button, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useForgotPassword } from '#api/identity.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { useDocumentTitle } from '#ui/page.tsx'
import style from './identity.module.css'

export function Component() {
  const { t } = useTranslation('identity')
  useDocumentTitle(t('forgot.title'))
  const forgot = useForgotPassword()
  if (forgot.isSuccess) {
    return (
      <EmptyState
        isPage
        icon={<MailOutlined />}
        title={t('forgot.sent.title')}
        description={t('forgot.sent.text')}
        action={<Link to="/sign-in">{t('forgot.back')}</Link>}
      />
    )
  }
  return (
    <>
      <h1 className={style.title}>{t('forgot.title')}</h1>
      <p className={style.text}>{t('forgot.text')}</p>
      <ErrorAlert error={forgot.error} />
      <Form layout="vertical" onFinish={({ email }: { email: string }) => forgot.mutate(email.trim())}>
        <Form.Item
          label={t('forgot.email')}
          name="email"
          rules={[{ required: true, type: 'email', message: t('forgot.emailRequired') }]}
          validateTrigger="onSubmit"
        >
          <Input type="email" autoComplete="email" maxLength={254} autoFocus />
        </Form.Item>
        <Button type="primary" htmlType="submit" block size="large" loading={forgot.isPending}>
          {t('forgot.submit')}
        </Button>
      </Form>
      <div className={style.links}>
        <Link to="/sign-in">{t('forgot.back')}</Link>
      </div>
    </>
  )
}
