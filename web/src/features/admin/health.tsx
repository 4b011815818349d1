import { ReloadOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import { useHealth } from '#api/admin.ts'
import type { Health } from '#api/types.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Count, Time, useFormat } from '#ui/format.tsx'
import { Page, Section } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from './admin.module.css'
import type admin from './locales/zh-CN.ts'
import { ProviderState } from './providers/provider-state.tsx'
import { useAllowedSections } from './sections.tsx'

export function Component() {
  const { t } = useTranslation('admin')
  const health = useHealth()
  return (
    <Page
      title={t('health.title')}
      back="/admin"
      action={
        <Button icon={<ReloadOutlined />} loading={health.isFetching} onClick={() => health.refetch()}>
          {t('health.refresh')}
        </Button>
      }
    >
      {health.data ? (
        <>
          {health.isError && <ErrorAlert error={health.error} />}
          <Parts health={health.data} />
          <Queue counts={health.data.jobs} />
          <Providers providers={health.data.providers} />
          <Section title={t('health.process')}>
            <Process health={health.data} readAt={health.dataUpdatedAt} />
          </Section>
        </>
      ) : health.isError ? (
        <ErrorState error={health.error} onRetry={() => health.refetch()} />
      ) : (
        <ListSkeleton />
      )}
    </Page>
  )
}

function Parts({ health }: { health: Health }) {
  const { t } = useTranslation('admin')
  const format = useFormat()
  const { database, cache, mail, speech } = health
  // Latencies below a millisecond are usual here, and their tenths tell.
  const latency = (ms: number) => t('health.ms', { value: format.number(Math.round(ms * 100) / 100) })
  const isCacheDown = cache.kind === 'redis' && cache.latency_ms === null
  return (
    <div className={style.cards}>
      <Part
        label={t('health.database')}
        isBad={database.latency_ms === null}
        text={t(`health.databases.${database.kind}`)}
      >
        {database.latency_ms === null ? t('health.noAnswer') : latency(database.latency_ms)}
      </Part>
      <Part
        label={t('health.cache')}
        isBad={isCacheDown}
        text={t(isCacheDown ? 'health.cacheDown' : `health.caches.${cache.kind}`)}
      >
        {cache.latency_ms !== null
          ? latency(cache.latency_ms)
          : t(isCacheDown ? 'health.noAnswer' : 'health.inMemory')}
      </Part>
      <Part label={t('health.mail')} text={t(mail.delivers ? 'health.mailText' : 'health.noMailText')}>
        {t(mail.delivers ? 'health.smtp' : 'health.mailbox')}
      </Part>
      <Part
        label={t('health.speech')}
        isBad={speech.synthesizer === null}
        text={t(`health.speechStates.${speechState(speech)}`)}
      >
        {speech.recognizer
          ? t(`health.engines.${speech.recognizer as SpeechEngine}`)
          : t('health.engines.none')}
      </Part>
    </div>
  )
}

type SpeechEngine = keyof (typeof admin)['health']['engines']

function speechState({ recognizer, is_scripted, synthesizer, is_preview }: Health['speech']) {
  if (!synthesizer) return 'noVoice'
  if (is_scripted) return 'scripted'
  if (!recognizer) return is_preview ? 'nothing' : 'voiceOnly'
  return is_preview ? 'recognitionOnly' : 'all'
}

function Part({
  label,
  text,
  isBad = false,
  children,
}: {
  label: string
  text: string
  isBad?: boolean
  children: ReactNode
}) {
  return (
    <div className={style.card}>
      <h2 className={style.cardLabel}>{label}</h2>
      <div className={`${style.figure} ${isBad ? common.bad : ''}`}>{children}</div>
      <div className={common.small}>{text}</div>
    </div>
  )
}

const states = ['queued', 'running', 'failed', 'dead'] as const

function Queue({ counts }: { counts: Health['jobs'] }) {
  const { t } = useTranslation('admin')
  const mayOpen = useAllowedSections().some(section => section.key === 'jobs')
  return (
    <Section title={t('health.queue')}>
      {counts ? (
        <div className={style.figures}>
          {states.map(state => (
            <div key={state} className={style.card}>
              <h3 className={style.cardLabel}>
                {mayOpen ? (
                  <Link to={`/admin/jobs?state=${state}`}>{t(`jobs.states.${state}`)}</Link>
                ) : (
                  t(`jobs.states.${state}`)
                )}
              </h3>
              <div className={`${style.figure} ${state === 'dead' && counts.dead > 0 ? common.bad : ''}`}>
                <Count value={counts[state]} />
              </div>
            </div>
          ))}
        </div>
      ) : (
        <p className={common.bad}>{t('health.noAnswer')}</p>
      )}
    </Section>
  )
}

function Providers({ providers }: { providers: Health['providers'] }) {
  const { t } = useTranslation('admin')
  const mayOpen = useAllowedSections().some(section => section.key === 'providers')
  return (
    <Section title={t('providers.title')}>
      {providers.length === 0 ? (
        <p className={common.text}>{t('providers.empty.title')}</p>
      ) : (
        <ul className={style.checklist} aria-label={t('providers.title')}>
          {providers.map(provider => (
            <li key={provider.id}>
              <span className={style.checkText}>
                {mayOpen ? (
                  <Link to={`/admin/providers?provider=${encodeURIComponent(provider.id)}`}>
                    {provider.name}
                  </Link>
                ) : (
                  provider.name
                )}
              </span>
              <span className={common.muted}>{t('health.keys', { count: provider.keys })}</span>
              <ProviderState provider={provider} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

function Process({ health, readAt }: { health: Health; readAt: number }) {
  const { t } = useTranslation('admin')
  const format = useFormat()
  const started = new Date(readAt - health.uptime_seconds * 1000).toISOString()
  return (
    <Facts
      items={[
        [t('health.version'), health.version],
        [t('health.node'), health.node_version],
        [t('health.started'), <Time key="started" value={started} />],
        [t('health.memory'), format.bytes(health.memory_bytes)],
        [t('health.readAt'), format.exactTime(new Date(readAt).toISOString())],
      ]}
    />
  )
}
