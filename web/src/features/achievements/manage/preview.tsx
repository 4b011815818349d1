import { ExperimentOutlined } from '@ant-design/icons'
import { Alert, Button, Progress, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Preview as PreviewData, type Rule, usePreview, useStartPreview } from '#api/achievements.ts'
import { useChannel } from '#api/live.ts'
import type { JobEvent } from '#api/types.ts'
import { Chart } from '#ui/chart.tsx'
import { ErrorAlert } from '#ui/error.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { useExplain } from '../explain.ts'
import style from './manage.module.css'

/** The rule in words, and what it would have come to so far. */
export function RulePreview({
  rule,
  achievementId,
  onError,
}: {
  rule: Rule
  achievementId: string | undefined
  onError: (error: unknown) => void
}) {
  const { t } = useTranslation('achievements')
  const start = useStartPreview()
  const [tried, setTried] = useState<{ id: string; jobId: string | null; rule: string } | null>(null)
  const preview = usePreview(tried?.id ?? null)
  useChannel<JobEvent>(tried?.jobId ? `jobs.job.${tried.jobId}` : null, {
    onItems: () => void preview.refetch(),
  })
  const isRunning = start.isPending || preview.data?.state === 'running'
  const run = () =>
    start.mutate(
      { rule, achievement_id: achievementId ?? null },
      {
        onSuccess: ({ id, job_id }) => {
          onError(null)
          setTried({ id, jobId: job_id, rule: JSON.stringify(rule) })
        },
        onError,
      },
    )
  return (
    <section className={style.preview} aria-label={t('preview.title')}>
      <h2 className={style.previewTitle}>{t('preview.words')}</h2>
      <InWords rule={rule} />
      <h2 className={style.previewTitle}>{t('preview.title')}</h2>
      <p className={style.text}>{t('preview.text')}</p>
      <Button icon={<ExperimentOutlined />} loading={isRunning} onClick={run}>
        {isRunning ? t('preview.running') : t('preview.run')}
      </Button>
      <div className={style.result}>
        <ErrorAlert error={start.error ?? preview.error} />
      </div>
      {preview.data && (
        <Result preview={preview.data} isStale={tried !== null && tried.rule !== JSON.stringify(rule)} />
      )}
    </section>
  )
}

export function InWords({ rule }: { rule: Rule }) {
  const { t } = useTranslation('achievements')
  const sentences = useExplain()(rule)
  const tiers = rule.tiers.map(({ tier }) => t(`tiers.${tier}`)).join(' / ')
  return (
    <div className={style.words}>
      {sentences.length > 1 && <p>{t(`explain.${rule.match}`)}</p>}
      {sentences.length > 1 ? (
        <ul>
          {sentences.map(sentence => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      ) : (
        <p>{sentences[0]}</p>
      )}
      <p className={style.text}>{t('explain.tiers', { tiers })}</p>
    </div>
  )
}

function Result({ preview: { state, result }, isStale }: { preview: PreviewData; isStale: boolean }) {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  const { users_scanned, users_total, tiers, sample, timeline } = result
  return (
    <div className={style.result} data-stale={isStale} aria-live="polite">
      {isStale && <Alert type="info" title={t('preview.stale')} />}
      {state === 'failed' && <Alert type="error" title={t('preview.failed')} />}
      {state === 'done' && !result.is_complete && <Alert type="warning" title={t('preview.partial')} />}
      {state === 'running' && (
        <Progress
          percent={users_total === 0 ? 100 : Math.floor((100 * users_scanned) / users_total)}
          aria-label={t('preview.running')}
        />
      )}
      <p className={style.text}>
        {t('preview.scanned', { scanned: format.number(users_scanned), total: format.number(users_total) })}
      </p>
      <dl className={style.counts}>
        {tiers.map(({ tier, users }) => (
          <div key={tier}>
            <dt>{t(`tiers.${tier}`)}</dt>
            <dd className="numbers">{t('preview.users', { count: users })}</dd>
          </div>
        ))}
      </dl>
      {sample.length === 0 && state === 'done' && <p>{t('preview.nobody')}</p>}
      {sample.length > 0 && (
        <>
          <h3 className={style.previewTitle}>{t('preview.sample')}</h3>
          <ul className={style.sample}>
            {sample.map(({ user_id, display_name, tier, reached_at }) => (
              <li key={user_id}>
                <span className={style.sampleName} title={display_name ?? ''}>
                  {display_name ?? t('preview.unknown')}
                </span>
                <Tag>{t(`tiers.${tier}`)}</Tag>
                <Time value={reached_at} style="date" />
              </li>
            ))}
          </ul>
        </>
      )}
      {timeline.length > 0 && (
        <Chart
          title={t('preview.timeline')}
          unit={t('preview.unit')}
          kind="bar"
          labels={timeline.map(({ day }) => day)}
          series={[{ name: t('preview.timeline'), values: timeline.map(({ reached }) => reached) }]}
        />
      )}
    </div>
  )
}
