import { Progress } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useChannel } from '#api/live.ts'
import type { Job, JobEvent, JobRecord } from '#api/types.ts'
import common from '#ui/common.module.css'
import { CopyButton } from '#ui/copy.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { Section } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import style from '../admin.module.css'
import { JobActions } from './job-actions.tsx'
import { JobStateTag } from './job-state.tsx'

export function JobPanel({ job, onClose }: { job: JobRecord | undefined; onClose: () => void }) {
  return (
    <Panel isOpen={job !== undefined} onClose={onClose} title={job?.name ?? ''}>
      {job && <Content key={job.id} job={job} />}
    </Panel>
  )
}

/** Live where the job tells of itself (it has an owner); else as fresh as the list. */
function useLiveJob(listed: JobRecord): JobRecord {
  const [live, setLive] = useState<Job | null>(null)
  useChannel<JobEvent>(listed.owner_id ? `jobs.job.${listed.id}` : null, {
    onItems: items => {
      const last = items.at(-1)
      if (last) setLive(last.data.job)
    },
  })
  if (!live || listed.finished_at || live.attempts < listed.attempts) return listed
  return { ...listed, ...live }
}

function Content({ job: listed }: { job: JobRecord }) {
  const { t } = useTranslation('admin')
  const format = useFormat()
  const job = useLiveJob(listed)
  const took =
    job.started_at && job.finished_at ? Date.parse(job.finished_at) - Date.parse(job.started_at) : null
  const time = (value: string | null) => value && <Time value={value} style="dateTime" />
  return (
    <>
      <div className={common.actions}>
        <JobStateTag state={job.state} />
        <span className={style.grow} />
        <JobActions job={job} />
      </div>
      {job.state === 'running' && (
        <Progress percent={Math.floor(job.progress * 100)} aria-label={t('jobs.progress')} />
      )}
      <p className={common.text}>{t(`jobs.stateTexts.${job.state}`)}</p>
      <Facts
        items={[
          [t('jobs.message'), job.message],
          [t('jobs.attempts'), `${job.attempts} / ${job.max_attempts}`],
          [t('jobs.created'), time(job.created_at)],
          [t('jobs.due'), time(job.run_at)],
          [t('jobs.started'), time(job.started_at)],
          [t('jobs.finished'), time(job.finished_at)],
          [t('jobs.took'), took !== null && took >= 0 ? format.duration(took) : null],
          [t('jobs.errorCode'), job.error_code && <code>{job.error_code}</code>],
          [
            t('common.id'),
            <span key="id">
              <code>{job.id}</code> <CopyButton text={job.id} label={t('common.copyId')} />
            </span>,
          ],
        ]}
      />
      {job.error_detail && (
        <Section title={t('jobs.error')}>
          <pre className={style.pre}>{job.error_detail}</pre>
        </Section>
      )}
    </>
  )
}
