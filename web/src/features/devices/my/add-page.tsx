import { Button, Input } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useClaim } from '#api/devices.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { Page } from '#ui/page.tsx'
import style from '../devices.module.css'

const digits = (text: string): string =>
  text
    .normalize('NFKC')
    .replaceAll(/[^0-9]/g, '')
    .slice(0, 6)

/** The six digits that the device shows or speaks. Typing the last one is enough. */
export function Component() {
  const { t } = useTranslation('devices')
  const navigate = useNavigate()
  const claim = useClaim()
  const [code, setCode] = useState('')
  const submit = (given: string) => {
    if (given.length !== 6 || claim.isPending) return
    claim.mutate(given, {
      onSuccess: ({ id }) => navigate(`/devices/my/${id}?new=yes`, { replace: true }),
      onError: () => setCode(''),
    })
  }
  return (
    <Page title={t('add.title')} back="/devices" alwaysBack width="form">
      <form
        className={style.digits}
        onSubmit={event => {
          event.preventDefault()
          submit(code)
        }}
      >
        <ErrorAlert error={claim.error} />
        <div>{t('add.text')}</div>
        <Input.OTP
          length={6}
          size="large"
          autoFocus
          inputMode="numeric"
          autoComplete="one-time-code"
          aria-label={t('add.code')}
          formatter={digits}
          value={code}
          disabled={claim.isPending}
          onInput={given => setCode(digits(given.join('')))}
          onChange={given => {
            setCode(digits(given))
            submit(digits(given))
          }}
        />
        <Button
          type="primary"
          size="large"
          htmlType="submit"
          loading={claim.isPending}
          disabled={code.length < 6}
        >
          {t('add.submit')}
        </Button>
        <ol className={style.steps}>
          <li>{t('add.step1')}</li>
          <li>{t('add.step2', { address: `${location.origin}/api/v1/devices/ota/` })}</li>
          <li>{t('add.step3')}</li>
        </ol>
      </form>
    </Page>
  )
}
