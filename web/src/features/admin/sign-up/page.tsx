import { MailOutlined, PlusOutlined } from '@ant-design/icons'
import { App, Button, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useInvitations, useRevokeInvitation, useSetSignUpPolicy, useSignUpPolicy } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { Invitation, SignUp } from '#api/types.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState, useErrorText } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { Page, Section } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from '../admin.module.css'
import { useRoleName } from '../role-name.ts'
import { CreateInvitation } from './create-invitation.tsx'

export function Component() {
  const { t } = useTranslation('admin')
  const can = useCan()
  const mayInvite = can('identity.invitations.manage')
  const maySetPolicy = can('identity.sign_up.manage')
  const policy = useSignUpPolicy(maySetPolicy)
  const [isCreating, setCreating] = useState(false)
  const isClosed = policy.data?.sign_up === 'closed'
  return (
    <Page
      title={t('signUp.title')}
      back="/admin"
      action={
        mayInvite && (
          <Button
            type="primary"
            icon={<PlusOutlined />}
            disabled={isClosed}
            onClick={() => setCreating(true)}
          >
            {t('signUp.invite')}
          </Button>
        )
      }
    >
      {maySetPolicy && (
        <Section title={t('signUp.policy')}>
          {policy.data ? (
            <Policy value={policy.data.sign_up} />
          ) : policy.isError ? (
            <ErrorState error={policy.error} onRetry={() => policy.refetch()} />
          ) : (
            <FormSkeleton fields={2} />
          )}
        </Section>
      )}
      {mayInvite && (
        <Section title={t('signUp.invitations')} description={isClosed && t('signUp.closedText')}>
          <Invitations />
        </Section>
      )}
      <CreateInvitation isOpen={isCreating} onClose={() => setCreating(false)} />
    </Page>
  )
}

const policies: SignUp[] = ['open', 'invitation', 'closed']

function Policy({ value }: { value: SignUp }) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const set = useSetSignUpPolicy()
  const shown = set.isPending ? set.variables : value
  const choose = (policy: SignUp) =>
    set.mutate(policy, {
      onSuccess: () => message.success(t('common.saved')),
      onError: error => message.error(errorText(error)),
    })
  return (
    <fieldset className={style.cards} disabled={set.isPending}>
      <legend className="visually-hidden">{t('signUp.policy')}</legend>
      {policies.map(policy => (
        <label key={policy} className={style.choice}>
          <input type="radio" name="policy" checked={shown === policy} onChange={() => choose(policy)} />
          <span className={style.choiceName}>{t(`signUp.policies.${policy}.name`)}</span>
          <span className={common.muted}>{t(`signUp.policies.${policy}.text`)}</span>
        </label>
      ))}
    </fieldset>
  )
}

function Invitations() {
  const { t } = useTranslation('admin')
  const roleName = useRoleName()
  const columns: Column<Invitation>[] = [
    {
      key: 'for',
      title: t('signUp.for'),
      role: 'title',
      render: invitation => (
        <span className={common.ellipsis} title={invitation.email ?? undefined}>
          {invitation.email ?? t('signUp.anybody')}
        </span>
      ),
    },
    {
      key: 'roles',
      title: t('users.roles'),
      render: invitation => (
        <span className={common.tags}>
          {invitation.roles.map(name => (
            <Tag key={name}>{roleName(name)}</Tag>
          ))}
        </span>
      ),
    },
    {
      key: 'state',
      title: t('users.state'),
      width: 120,
      render: invitation => <InvitationState invitation={invitation} />,
    },
    {
      key: 'created',
      title: t('users.created'),
      width: 130,
      render: invitation => <Time value={invitation.created_at} />,
    },
    {
      key: 'expires',
      title: t('signUp.expires'),
      width: 140,
      render: invitation => <Time value={invitation.expires_at} style="date" />,
    },
    {
      key: 'actions',
      title: '',
      width: 100,
      align: 'right',
      role: 'actions',
      render: invitation => !invitation.used_at && <Revoke invitation={invitation} />,
    },
  ]
  return (
    <DataTable
      label={t('signUp.invitations')}
      columns={columns}
      rowKey={invitation => invitation.id}
      pages={useInvitations()}
      empty={
        <EmptyState
          icon={<MailOutlined />}
          title={t('signUp.empty.title')}
          description={t('signUp.empty.text')}
        />
      }
    />
  )
}

function InvitationState({ invitation }: { invitation: Invitation }) {
  const { t } = useTranslation('admin')
  if (invitation.used_at) return <Tag color="success">{t('signUp.used')}</Tag>
  if (Date.parse(invitation.expires_at) < Date.now()) return <Tag>{t('signUp.expired')}</Tag>
  return <Tag color="processing">{t('signUp.waiting')}</Tag>
}

function Revoke({ invitation }: { invitation: Invitation }) {
  const { t } = useTranslation('admin')
  const { message, modal } = App.useApp()
  const errorText = useErrorText()
  const revoke = useRevokeInvitation()
  const name = invitation.email ?? t('signUp.anybody')
  const ask = () =>
    modal.confirm({
      title: t('signUp.revokeAsk', { name }),
      content: t('signUp.revokeText'),
      okText: t('signUp.revoke'),
      okButtonProps: { danger: true },
      onOk: () =>
        revoke.mutateAsync(invitation.id).then(
          () => message.success(t('signUp.revoked')),
          error => message.error(errorText(error)),
        ),
    })
  return (
    <Button size="small" danger aria-label={t('signUp.revokeName', { name })} onClick={ask}>
      {t('signUp.revoke')}
    </Button>
  )
}
