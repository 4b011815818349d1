import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'

const strong = /^(?=.*\p{L})(?=.*\d).{8,}$/su

/** A new password, with the rule under it; the server refuses common ones besides. */
export function NewPasswordField({ label, name = 'new_password' }: { label?: string; name?: string }) {
  const { t } = useTranslation('identity')
  return (
    <Form.Item
      label={label ?? t('password.new')}
      name={name}
      extra={t('password.hint')}
      rules={[
        { required: true, message: t('password.required') },
        { pattern: strong, message: t('password.tooWeak') },
      ]}
      validateTrigger="onBlur"
    >
      <Input.Password autoComplete="new-password" maxLength={200} />
    </Form.Item>
  )
}

/** The one-time token after `#token=` in a link: kept out of logs and of the `Referer` by being a fragment. */
export function tokenFromHash(hash: string, name = 'token'): string | null {
  return new URLSearchParams(hash.replace(/^#/, '')).get(name)
}

/** Where to go after signing in: only addresses of this app, whatever the link says. */
export function safeNext(next: string | null): string {
  if (!next?.startsWith('/')) return '/'
  try {
    const url = new URL(next, location.origin)
    return url.origin === location.origin ? url.pathname + url.search + url.hash : '/'
  } catch {
    return '/'
  }
}
