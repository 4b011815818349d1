import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { useCancelJob, useRetryJob } from '#api/admin.ts'
import type { Job } from '#api/types.ts'
import { useErrorText } from '#ui/error.tsx'

/** The one thing that can be done to a job in its state: cancel it, or try again. */
export function JobActions({ job }: { job: Job }) {
  const { t } = useTranslation('admin')
  const { message, modal } = App.useApp()
  const errorText = useErrorText()
  const cancel = useCancelJob()
  const retry = useRetryJob()
  const { name } = job
  const fail = (error: unknown) => void message.error(errorText(error))
  const askCancel = () =>
    modal.confirm({
      title: t('jobs.cancelAsk', { name }),
      content: t('jobs.cancelText'),
      okText: t('jobs.cancel'),
      okButtonProps: { danger: true },
      onOk: () => cancel.mutateAsync(job.id).then(() => message.success(t('jobs.cancelled', { name })), fail),
    })
  if (job.state === 'queued' || job.state === 'running') {
    return (
      <Button
        size="small"
        aria-label={t('jobs.cancelName', { name })}
        onClick={event => {
          event.stopPropagation()
          askCancel()
        }}
      >
        {t('jobs.cancel')}
      </Button>
    )
  }
  if (job.state === 'succeeded') return null
  return (
    <Button
      size="small"
      loading={retry.isPending}
      aria-label={t('jobs.retryName', { name })}
      onClick={event => {
        event.stopPropagation()
        retry.mutate(job.id, {
          onSuccess: () => message.success(t('jobs.retried', { name })),
          onError: fail,
        })
      }}
    >
      {t('jobs.retry')}
    </Button>
  )
}
