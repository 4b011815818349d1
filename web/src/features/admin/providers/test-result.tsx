import { Alert, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { ProviderTest } from '#api/types.ts'
import common from '#ui/common.module.css'
import { ErrorAlert } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'

const helped = [
  'ai.bad_key',
  'ai.upstream_failed',
  'ai.upstream_timeout',
  'ai.upstream_rate_limited',
  'ai.upstream_malformed',
  'ai.upstream_rejected',
] as const

const mostShown = 12

/** How a test went: time and models, or what failed and what to do about it. */
export function TestResult({ result, error }: { result: ProviderTest | undefined; error: unknown }) {
  const { t } = useTranslation('admin')
  const format = useFormat()
  if (error) return <ErrorAlert error={error} />
  if (!result) return null
  const help = helped.find(code => code === result.error_code)
  if (!result.ok) {
    return (
      <Alert
        className={common.alert ?? ''}
        type="error"
        showIcon
        role="alert"
        title={result.error ?? t('test.failed')}
        description={t(`test.help.${(help ?? 'ai.upstream_failed').replace('ai.', '') as 'bad_key'}`)}
      />
    )
  }
  const more = result.models.length - mostShown
  return (
    <Alert
      className={common.alert ?? ''}
      type="success"
      showIcon
      role="status"
      title={t('test.ok', { time: format.duration(result.latency_ms) })}
      description={
        result.models.length === 0 ? (
          t('test.noList')
        ) : (
          <>
            <div>{t('test.models', { count: result.models.length })}</div>
            <div className={common.tags}>
              {result.models.slice(0, mostShown).map(model => (
                <Tag key={model}>{model}</Tag>
              ))}
              {more > 0 && <span className={common.muted}>{t('test.more', { count: more })}</span>}
            </div>
          </>
        )
      }
    />
  )
}
