import { InboxOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMail, useMailbox } from '#api/admin.ts'
import type { StoredMail } from '#api/types.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { CopyButton } from '#ui/copy.tsx'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from './admin.module.css'

export function Component() {
  const { t } = useTranslation('admin')
  const address = useAddress()
  const id = address.get('mail')
  const columns: Column<StoredMail>[] = [
    {
      key: 'subject',
      title: t('mailbox.subject'),
      role: 'title',
      render: mail => (
        <button type="button" className={common.nameButton} title={mail.subject}>
          {mail.subject}
        </button>
      ),
    },
    {
      key: 'to',
      title: t('mailbox.to'),
      render: mail => (
        <span className={common.ellipsis} title={mail.to}>
          {mail.to}
        </span>
      ),
    },
    {
      key: 'state',
      title: t('mailbox.state'),
      width: 150,
      render: mail => <MailState mail={mail} />,
    },
    { key: 'time', title: t('mailbox.time'), width: 140, render: mail => <Time value={mail.created_at} /> },
  ]
  return (
    <Page title={t('mailbox.title')} description={t('mailbox.text')} back="/admin">
      <DataTable
        label={t('mailbox.title')}
        columns={columns}
        rowKey={mail => mail.id}
        pages={useMailbox()}
        onRowClick={mail => address.push({ mail: mail.id })}
        empty={
          <EmptyState
            icon={<InboxOutlined />}
            title={t('mailbox.empty.title')}
            description={t('mailbox.empty.text')}
          />
        }
      />
      <Panel isOpen={id !== undefined} onClose={() => address.push({ mail: null })} title={t('mailbox.mail')}>
        {id && <MailBody id={id} />}
      </Panel>
    </Page>
  )
}

function MailState({ mail }: { mail: StoredMail }) {
  const { t } = useTranslation('admin')
  const color = { stored: 'default', queued: 'processing', failed: 'error' }[mail.state]
  return <Tag color={color}>{t(`mailbox.states.${mail.state}`)}</Tag>
}

const linkPattern = /https?:\/\/[^\s<>"]+/g

function MailBody({ id }: { id: string }) {
  const { t } = useTranslation('admin')
  const mail = useMail(id)
  if (mail.isPending) return <FormSkeleton fields={3} />
  if (!mail.data) return <ErrorState error={mail.error} onRetry={() => mail.refetch()} />
  const links = [...new Set(mail.data.text.match(linkPattern) ?? [])]
  return (
    <div className={style.stack}>
      <Facts
        items={[
          [t('mailbox.subject'), mail.data.subject],
          [t('mailbox.to'), mail.data.to],
          [t('mailbox.time'), <Time key="time" value={mail.data.created_at} style="dateTime" />],
          [t('mailbox.state'), <MailState key="state" mail={mail.data} />],
          [t('jobs.errorCode'), mail.data.error_code && <code>{mail.data.error_code}</code>],
        ]}
      />
      {links.map(link => (
        <div key={link} className={style.secret}>
          <code>{link}</code>
          <CopyButton text={link} label={t('mailbox.copyLink')} />
        </div>
      ))}
      <pre className={style.pre}>{mail.data.text}</pre>
    </div>
  )
}
