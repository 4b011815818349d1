import { CheckCircleOutlined, LinkOutlined } from '@ant-design/icons'
import { Button, Form } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useLocation } from 'react-router'
import { useResetPassword } from '#api/identity.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { useDocumentTitle } from '#ui/page.tsx'
import { NewPasswordField, tokenFromHash } from './fields.tsx'
import style from './identity.module.css'

/** `/reset-password#token=…`, from the mail. */
export function Component() {
  const { t } = useTranslation('identity')
  useDocumentTitle(t('reset.title'))
  const { hash } = useLocation()
  const [token] = useState(() => tokenFromHash(hash))
  const [form] = Form.useForm()
  const reset = useResetPassword()
  if (token === null) {
    return (
      <EmptyState
        isPage
        icon={<LinkOutlined />}
        title={t('reset.missing.title')}
        description={t('reset.missing.text')}
        action={<Link to="/forgot-password">{t('reset.missing.action')}</Link>}
      />
    )
  }
  if (reset.isSuccess) {
    return (
      <EmptyState
        isPage
        icon={<CheckCircleOutlined />}
        title={t('reset.done.title')}
        description={t('reset.done.text')}
        action={<Link to="/sign-in">{t('reset.done.action')}</Link>}
      />
    )
  }
  return (
    <>
      <h1 className={style.title}>{t('reset.title')}</h1>
      <ErrorAlert error={reset.error} />
      <Form
        form={form}
        layout="vertical"
        onFinish={({ new_password }: { new_password: string }) =>
          reset.mutate({ token, new_password }, { onError: error => showFieldErrors(form, error) })
        }
      >
        <NewPasswordField />
        <Button type="primary" htmlType="submit" block size="large" loading={reset.isPending}>
          {t('reset.submit')}
        </Button>
      </Form>
    </>
  )
}
