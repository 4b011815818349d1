import { CheckCircleFilled, ClockCircleOutlined } from '@ant-design/icons'
import { Alert } from 'antd'
import { type ReactNode, useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Provider, Setup } from '#api/types.ts'
import common from '#ui/common.module.css'
import { LinkButton } from '#ui/link-button.tsx'
import style from '../admin.module.css'
import { useAllowedSections } from '../sections.tsx'

/** What is done and what is left before others are let in. */
export function Checklist({
  setup,
  providers,
  added,
}: {
  setup: Setup
  providers: readonly Provider[]
  added: Provider | null
}) {
  const { t } = useTranslation('admin')
  const news = useRef<HTMLDivElement>(null)
  // The form that was just saved is further down and gone; what came of it is told here.
  useEffect(() => {
    if (added) news.current?.scrollIntoView({ block: 'center' })
  }, [added])
  const allowed = useAllowedSections().map(section => section.key)
  const found = providers.find(each => each.kind === 'ollama' && each.source === 'env')
  return (
    <>
      <div ref={news}>
        {added && (
          <Alert
            className={common.alert ?? ''}
            type="success"
            showIcon
            role="status"
            title={t('setup.added', { name: added.name })}
            action={
              <LinkButton to="/chat" size="small" type="primary">
                {t('setup.startChat')}
              </LinkButton>
            }
          />
        )}
      </div>
      {found && (
        <Alert
          className={common.alert ?? ''}
          type="info"
          showIcon
          title={t('setup.ollamaFound')}
          description={t('setup.ollamaFoundText', { url: found.base_url })}
        />
      )}
      <ul className={style.checklist}>
        {setup.has_provider && (
          <Step isDone text={t('setup.steps.provider')}>
            {t('setup.steps.providerDone', { model: setup.default_model ?? '–' })}
          </Step>
        )}
        <Step
          isDone={setup.has_password}
          text={t('setup.steps.password')}
          action={!setup.has_password && <StepLink to="/settings/security" text={t('setup.setPassword')} />}
        >
          {t(setup.has_password ? 'setup.steps.passwordDone' : 'setup.steps.passwordOpen')}
        </Step>
        <Step
          isDone={setup.has_spend_cap}
          text={t('setup.steps.cap')}
          action={
            !setup.has_spend_cap &&
            allowed.includes('spend') && <StepLink to="/admin/spend" text={t('setup.setCap')} />
          }
        >
          {t(setup.has_spend_cap ? 'setup.steps.capDone' : 'setup.steps.capOpen')}
        </Step>
        <Step
          isDone={setup.delivers_mail}
          text={t('setup.steps.mail')}
          action={
            !setup.delivers_mail &&
            allowed.includes('mailbox') && <StepLink to="/admin/mailbox" text={t('setup.openMailbox')} />
          }
        >
          {t(setup.delivers_mail ? 'setup.steps.mailDone' : 'setup.steps.mailOpen')}
        </Step>
        <Step isDone={setup.has_recognizer && setup.has_voice} text={t('setup.steps.speech')}>
          {t(
            setup.has_recognizer
              ? setup.has_voice
                ? 'setup.steps.speechDone'
                : 'setup.steps.voiceOpen'
              : 'setup.steps.speechOpen',
          )}
        </Step>
      </ul>
    </>
  )
}

const StepLink = ({ to, text }: { to: string; text: string }) => (
  <LinkButton to={to} size="small">
    {text}
  </LinkButton>
)

function Step({
  isDone,
  text,
  action,
  children,
}: {
  isDone: boolean
  text: string
  action?: ReactNode
  children: ReactNode
}) {
  const { t } = useTranslation('admin')
  return (
    <li>
      {isDone ? (
        <CheckCircleFilled className={style.done} aria-label={t('setup.done')} />
      ) : (
        <ClockCircleOutlined className={style.open} aria-label={t('setup.open')} />
      )}
      <div className={style.checkText}>
        <div>{text}</div>
        <div className={common.small}>{children}</div>
      </div>
      {action}
    </li>
  )
}
