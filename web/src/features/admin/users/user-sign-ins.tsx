import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useUserSignIns } from '#api/admin.ts'
import type { SignIn, User } from '#api/types.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time } from '#ui/format.tsx'

export function UserSignIns({ user }: { user: User }) {
  const { t } = useTranslation('admin')
  const columns: Column<SignIn>[] = [
    {
      key: 'time',
      title: t('signIns.time'),
      role: 'title',
      render: signIn => (
        <>
          <Time value={signIn.created_at} style="dateTime" />
          <div className={common.small}>{t(`signIns.methods.${signIn.method}`)}</div>
        </>
      ),
    },
    {
      key: 'outcome',
      title: t('signIns.outcome'),
      width: 90,
      render: signIn =>
        signIn.succeeded ? (
          <Tag color="success">{t('signIns.succeeded')}</Tag>
        ) : (
          <Tag color="error">{t('signIns.failed')}</Tag>
        ),
    },
    {
      key: 'from',
      title: t('signIns.from'),
      render: signIn => (
        <>
          <span className={common.ellipsis}>{signIn.ip}</span>
          <span className={`${common.small} ${common.ellipsis}`} title={signIn.user_agent}>
            {signIn.user_agent || '–'}
          </span>
        </>
      ),
    },
  ]
  return (
    <DataTable
      label={t('users.tabs.signIns')}
      columns={columns}
      rowKey={signIn => signIn.id}
      pages={useUserSignIns(user.id)}
      empty={<EmptyState title={t('signIns.empty')} description={t('signIns.emptyText')} />}
    />
  )
}
