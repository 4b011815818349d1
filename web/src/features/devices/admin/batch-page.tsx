import { UploadOutlined } from '@ant-design/icons'
import { Alert, Button, Progress, Tag, Upload } from 'antd'
import { useTranslation } from 'react-i18next'
import { useParams } from 'react-router'
import type { Batch, DeviceImport } from '#api/device-types.ts'
import { useBatch, useImport, useImportJob, useImportList, useImports } from '#api/devices.ts'
import { useCan } from '#api/me.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Count, Time, useFormat } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page, Section } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import { FormSkeleton, PageSkeleton } from '#ui/skeleton.tsx'
import style from '../devices.module.css'

export function Component() {
  const { id = '' } = useParams()
  const { t } = useTranslation('devices')
  const batch = useBatch(id)
  if (batch.isPending) return <PageSkeleton />
  if (!batch.data)
    return (
      <Page title={t('menu.batches')} back="/devices/admin/batches" alwaysBack>
        <ErrorState error={batch.error} onRetry={() => batch.refetch()} />
      </Page>
    )
  return <BatchPage batch={batch.data} />
}

function BatchPage({ batch }: { batch: Batch }) {
  const { t } = useTranslation('devices')
  const can = useCan()
  const address = useAddress()
  return (
    <Page
      title={batch.name}
      back="/devices/admin/batches"
      alwaysBack
      action={
        <LinkButton to={`/devices/admin/registrations?batch=${batch.id}`}>
          {t('batches.showDevices')}
        </LinkButton>
      }
    >
      <div className={style.stack}>
        <Facts
          items={[
            [t('device.type'), batch.type_name],
            [t('batches.factory'), batch.factory],
            [t('batches.producedOn'), batch.produced_on],
            [
              t('batches.serials'),
              batch.serial_from || batch.serial_to
                ? `${batch.serial_from ?? '…'} – ${batch.serial_to ?? '…'}`
                : null,
            ],
            [t('batches.requiresProof'), t(batch.requires_proof ? 'batches.proofYes' : 'batches.proofNo')],
            [t('batches.devices'), <Devices key="devices" batch={batch} />],
          ]}
        />
        <Section title={t('imports.title')} description={t('imports.text')}>
          <div className={style.stack}>
            {can('devices.registry.manage') && (
              <ImportButton batch={batch} onStarted={id => address.push({ import: id })} />
            )}
            <Imports batchId={batch.id} onOpen={id => address.push({ import: id })} />
          </div>
        </Section>
      </div>
      <Panel
        title={t('imports.panel')}
        isOpen={address.get('import') !== undefined}
        onClose={() => address.push({ import: null })}
      >
        <Report id={address.get('import')} />
      </Panel>
    </Page>
  )
}

const Devices = ({ batch }: { batch: Batch }) => (
  <>
    <Count value={batch.activated} /> / <Count value={batch.devices} />
  </>
)

function ImportButton({ batch, onStarted }: { batch: Batch; onStarted: (id: string) => void }) {
  const { t } = useTranslation('devices')
  const upload = useImportList(batch.id)
  return (
    <div className={style.stack}>
      <ErrorAlert error={upload.error} />
      <Upload.Dragger
        accept=".csv,.txt,text/csv"
        showUploadList={false}
        disabled={upload.isPending}
        beforeUpload={file => {
          upload.mutate(file, { onSuccess: ({ id }) => onStarted(id) })
          return false
        }}
      >
        <p>
          <UploadOutlined aria-hidden="true" /> {t(upload.isPending ? 'imports.uploading' : 'imports.choose')}
        </p>
        <p className={common.small}>{t('imports.columns')}</p>
      </Upload.Dragger>
    </div>
  )
}

const colours = { queued: 'processing', running: 'processing', done: 'success', failed: 'error' } as const

function Imports({ batchId, onOpen }: { batchId: string; onOpen: (id: string) => void }) {
  const { t } = useTranslation('devices')
  const imports = useImports(batchId)
  const columns: Column<DeviceImport>[] = [
    {
      key: 'name',
      title: t('imports.file'),
      role: 'title',
      render: row => (
        <button type="button" className={common.nameButton} title={row.file_name}>
          {row.file_name || t('imports.file')}
        </button>
      ),
    },
    {
      key: 'state',
      title: t('registrations.state'),
      width: 120,
      render: row => <Tag color={colours[row.state]}>{t(`imports.states.${row.state}`)}</Tag>,
    },
    {
      key: 'added',
      title: t('imports.added'),
      width: 100,
      align: 'right',
      render: row => <Count value={row.added} />,
    },
    {
      key: 'refused',
      title: t('imports.refused'),
      width: 100,
      align: 'right',
      render: row => <Count value={row.refused} />,
    },
    { key: 'when', title: t('history.when'), width: 130, render: row => <Time value={row.created_at} /> },
  ]
  if (!imports.data || imports.data.items.length === 0) return null
  return (
    <DataTable
      label={t('imports.title')}
      columns={columns}
      rowKey={row => row.id}
      pages={{ rows: imports.data.items }}
      onRowClick={row => onOpen(row.id)}
      empty={null}
    />
  )
}

/** How it went, with the lines that were not taken. */
function Report({ id }: { id: string | undefined }) {
  const { t } = useTranslation('devices')
  const format = useFormat()
  const report = useImport(id)
  if (report.isPending) return <FormSkeleton />
  if (!report.data) return <ErrorState error={report.error} onRetry={() => report.refetch()} />
  const { state, added, refused, problems, error, file_name, size, encoding, lines_done, job_id } =
    report.data
  const isRunning = state === 'queued' || state === 'running'
  const columns: Column<DeviceImport['problems'][number]>[] = [
    {
      key: 'line',
      title: t('imports.line'),
      role: 'title',
      width: 70,
      render: row => format.number(row.line),
    },
    { key: 'detail', title: t('imports.problem'), render: row => row.detail },
    {
      key: 'value',
      title: t('imports.value'),
      render: row => <span className={style.mono}>{row.value}</span>,
    },
  ]
  return (
    <div className={style.stack}>
      {isRunning && <Running jobId={job_id} />}
      {error && <Alert type="error" showIcon title={error} />}
      {state === 'done' && (
        <Alert
          type={refused > 0 ? 'warning' : 'success'}
          showIcon
          title={t('imports.result', { added: format.number(added), refused: format.number(refused) })}
        />
      )}
      <Facts
        items={[
          [t('imports.file'), file_name],
          [t('imports.size'), format.bytes(size)],
          [t('imports.encoding'), encoding?.toUpperCase()],
          [t('imports.lines'), format.number(lines_done)],
          [t('imports.added'), format.number(added)],
          [t('imports.refused'), format.number(refused)],
        ]}
      />
      {problems.length > 0 && (
        <Section title={t('imports.problems')}>
          {refused > problems.length && <p className={common.small}>{t('imports.firstOnly')}</p>}
          <DataTable
            label={t('imports.problems')}
            columns={columns}
            rowKey={row => `${row.line} ${row.code}`}
            pages={{ rows: problems }}
            empty={<EmptyState title={t('imports.noProblems')} />}
          />
        </Section>
      )}
      {isRunning && <Button onClick={() => report.refetch()}>{t('imports.refresh')}</Button>}
    </div>
  )
}

/** It goes on when the page is left. */
function Running({ jobId }: { jobId: string | null }) {
  const { t } = useTranslation('devices')
  const job = useImportJob(jobId)
  return (
    <Progress
      percent={Math.round((job.data?.progress ?? 0) * 100)}
      status="active"
      aria-label={t('imports.states.running')}
    />
  )
}
