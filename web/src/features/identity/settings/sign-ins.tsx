import { CheckCircleOutlined, CloseCircleOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useSignIns } from '#api/identity.ts'
import type { SignIn } from '#api/types.ts'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { deviceName } from '../device.ts'

export function Component() {
  const { t } = useTranslation('identity')
  const columns: Column<SignIn>[] = [
    {
      key: 'time',
      title: t('signIns.time'),
      role: 'title',
      render: signIn => <Time value={signIn.created_at} style="dateTime" />,
    },
    {
      key: 'outcome',
      title: t('signIns.outcome'),
      width: 120,
      render: signIn =>
        signIn.succeeded ? (
          <Tag color="success" icon={<CheckCircleOutlined />}>
            {t('signIns.succeeded')}
          </Tag>
        ) : (
          <Tag color="error" icon={<CloseCircleOutlined />}>
            {t('signIns.failed')}
          </Tag>
        ),
    },
    {
      key: 'method',
      title: t('signIns.method'),
      width: 140,
      render: signIn => t(`signIns.methods.${signIn.method}`),
    },
    {
      key: 'device',
      title: t('signIns.device'),
      render: signIn => <span title={signIn.user_agent}>{deviceName(signIn.user_agent, t)}</span>,
    },
    { key: 'ip', title: t('signIns.ip'), render: signIn => signIn.ip },
  ]
  return (
    <Page title={t('signIns.title')} description={t('signIns.text')} back="/settings">
      <DataTable
        label={t('signIns.title')}
        columns={columns}
        rowKey={signIn => signIn.id}
        pages={useSignIns()}
        empty={<EmptyState title={t('signIns.empty')} />}
      />
    </Page>
  )
}
