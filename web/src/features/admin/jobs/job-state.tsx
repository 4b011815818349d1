import {
  CheckCircleOutlined,
  ClockCircleOutlined,
  CloseCircleOutlined,
  ExclamationCircleOutlined,
  StopOutlined,
  SyncOutlined,
} from '@ant-design/icons'
import { Tag, Tooltip } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { JobState } from '#api/types.ts'

export const jobStates: readonly JobState[] = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'dead',
  'cancelled',
]

const looks: Record<JobState, { color: string; icon: ReactNode }> = {
  queued: { color: 'default', icon: <ClockCircleOutlined /> },
  running: { color: 'processing', icon: <SyncOutlined spin /> },
  succeeded: { color: 'success', icon: <CheckCircleOutlined /> },
  failed: { color: 'warning', icon: <ExclamationCircleOutlined /> },
  dead: { color: 'error', icon: <CloseCircleOutlined /> },
  cancelled: { color: 'default', icon: <StopOutlined /> },
}

export function JobStateTag({ state }: { state: JobState }) {
  const { t } = useTranslation('admin')
  return (
    <Tooltip title={t(`jobs.stateTexts.${state}`)}>
      <Tag {...looks[state]}>{t(`jobs.states.${state}`)}</Tag>
    </Tooltip>
  )
}
