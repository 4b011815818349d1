import { ThunderboltOutlined } from '@ant-design/icons'
import { Progress, Select, Tag } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useJobs } from '#api/admin.ts'
import type { JobRecord, JobState } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { SearchBox } from '#ui/search-box.tsx'
import { JobActions } from './job-actions.tsx'
import { JobPanel } from './job-panel.tsx'
import { JobStateTag, jobStates } from './job-state.tsx'

export function Component() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  return (
    <Page title={t('jobs.title')} description={t('jobs.text')} back="/admin" filters={<Filters />}>
      <JobList onOpen={id => address.push({ job: id })} />
    </Page>
  )
}

function Filters() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  return (
    <>
      <Select
        className={common.filter ?? ''}
        aria-label={t('jobs.state')}
        value={address.get('state') ?? ''}
        onChange={state => address.set({ state })}
        options={[
          { value: '', label: t('jobs.anyState') },
          ...jobStates.map(state => ({ value: state, label: t(`jobs.states.${state}`) })),
        ]}
      />
      <SearchBox
        label={t('jobs.exactName')}
        value={address.get('name') ?? ''}
        onChange={name => address.set({ name })}
      />
    </>
  )
}

const isJobState = (text: string | undefined): text is JobState => jobStates.some(state => state === text)
const isMoving = (job: JobRecord) => job.state === 'running' || job.state === 'queued'

function JobList({ onOpen }: { onOpen: (id: string | null) => void }) {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const [state, name, openId] = [address.get('state'), address.get('name'), address.get('job')]
  // Only the owner hears of a job live; the list is read again, often while something moves.
  const [interval, setInterval] = useState(2_000)
  const jobs = useJobs({ ...(isJobState(state) && { state }), ...(name && { name }) }, interval)
  const items = jobs.data?.items
  useEffect(() => setInterval(items?.some(isMoving) ? 2_000 : 10_000), [items])
  const columns: Column<JobRecord>[] = [
    {
      key: 'name',
      title: t('jobs.name'),
      role: 'title',
      render: job => (
        <>
          <button type="button" className={common.nameButton} title={job.name}>
            <code>{job.name}</code>
          </button>
          {(job.error_detail ?? job.message) && (
            <span
              className={`${common.ellipsis} ${job.error_detail ? common.bad : common.small}`}
              title={job.error_detail ?? job.message ?? ''}
            >
              {job.error_detail ?? job.message}
            </span>
          )}
        </>
      ),
    },
    {
      key: 'state',
      title: t('jobs.state'),
      width: 130,
      render: job => <JobStateTag state={job.state} />,
    },
    {
      key: 'progress',
      title: t('jobs.progress'),
      width: 150,
      render: job =>
        job.state === 'running' || (job.progress > 0 && job.progress < 1) ? (
          <Progress percent={Math.floor(job.progress * 100)} size="small" aria-label={t('jobs.progress')} />
        ) : (
          '–'
        ),
    },
    {
      key: 'attempts',
      title: t('jobs.attempts'),
      width: 90,
      align: 'right',
      render: job => <Tag>{`${job.attempts} / ${job.max_attempts}`}</Tag>,
    },
    { key: 'created', title: t('jobs.created'), width: 130, render: job => <Time value={job.created_at} /> },
    {
      key: 'actions',
      title: '',
      width: 100,
      align: 'right',
      role: 'actions',
      render: job => <JobActions job={job} />,
    },
  ]
  return (
    <>
      <DataTable
        label={t('jobs.title')}
        columns={columns}
        rowKey={job => job.id}
        pages={jobs}
        onRowClick={job => onOpen(job.id)}
        empty={
          <EmptyState
            icon={<ThunderboltOutlined />}
            title={t('jobs.empty.title')}
            description={t('jobs.empty.text')}
          />
        }
      />
      <JobPanel job={items?.find(job => job.id === openId)} onClose={() => onOpen(null)} />
    </>
  )
}
