import { UserAddOutlined } from '@ant-design/icons'
import { App, Button, Space, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useNavigate, useParams } from 'react-router'
import { useDeleteOrganisation, useInviteMember, useMembers, useRemoveMember } from '#api/identity.ts'
import { useMe } from '#api/me.ts'
import type { Member, Membership, OrganisationInvitation } from '#api/types.ts'
import { CopyButton } from '#ui/copy.tsx'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { useErrorText } from '#ui/error.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { Page, Section } from '#ui/page.tsx'
import style from '../identity.module.css'

export function Component() {
  const { t } = useTranslation(['identity', 'app'])
  const { id = '' } = useParams()
  const organisation = useMe().organisations.find(each => each.id === id)
  if (!organisation) {
    return (
      <Page title={t('identity:organisations.title')} back="/settings/organisations" alwaysBack>
        <EmptyState title={t('app:notFound.title')} description={t('app:notFound.text')} />
      </Page>
    )
  }
  return <OrganisationPage organisation={organisation} />
}

function OrganisationPage({ organisation }: { organisation: Membership }) {
  const { t } = useTranslation('identity')
  const isManager = organisation.role !== 'member'
  const invite = useInviteMember(organisation.id)
  const errorText = useErrorText()
  const { message } = App.useApp()
  return (
    <Page
      title={organisation.name}
      back="/settings/organisations"
      alwaysBack
      action={
        isManager && (
          <Button
            type="primary"
            icon={<UserAddOutlined />}
            loading={invite.isPending}
            onClick={() => invite.mutate('member', { onError: error => message.error(errorText(error)) })}
          >
            {t('organisations.invite')}
          </Button>
        )
      }
    >
      {invite.data && <InvitationLink invitation={invite.data} />}
      <Section title={t('organisations.members')}>
        <Members organisation={organisation} />
      </Section>
      <Section>
        <Ways organisation={organisation} />
      </Section>
    </Page>
  )
}

function InvitationLink({ invitation }: { invitation: OrganisationInvitation }) {
  const { t } = useTranslation('identity')
  const format = useFormat()
  const link = `${location.origin}/settings/organisations/join#token=${invitation.token}`
  return (
    <div role="status">
      <p className={style.text}>
        {t('organisations.inviteText', { time: format.dateTime(invitation.expires_at) })}
      </p>
      <div className={style.secret}>
        <code>{link}</code>
        <CopyButton text={link} label={t('organisations.copyLink')} />
      </div>
    </div>
  )
}

function Members({ organisation }: { organisation: Membership }) {
  const { t } = useTranslation('identity')
  const me = useMe()
  const members = useMembers(organisation.id)
  const columns: Column<Member>[] = [
    {
      key: 'name',
      title: t('organisations.member'),
      role: 'title',
      render: member => (
        <span className={style.device}>
          {member.display_name} <span className={style.muted}>@{member.username}</span>
          {member.user_id === me.id && <Tag>{t('organisations.you')}</Tag>}
        </span>
      ),
    },
    {
      key: 'role',
      title: t('organisations.memberRole'),
      width: 140,
      render: member => t(`organisations.roles.${member.role}`),
    },
    {
      key: 'joined',
      title: t('organisations.joined'),
      width: 160,
      render: member => <Time value={member.created_at} />,
    },
    {
      key: 'actions',
      title: '',
      width: 100,
      align: 'right',
      role: 'actions',
      render: member =>
        organisation.role !== 'member' &&
        member.user_id !== me.id && <Remove organisation={organisation} member={member} />,
    },
  ]
  return (
    <DataTable
      label={t('organisations.members')}
      columns={columns}
      rowKey={member => member.user_id}
      pages={members}
      empty={null}
    />
  )
}

function Remove({ organisation, member }: { organisation: Membership; member: Member }) {
  const { t } = useTranslation('identity')
  const errorText = useErrorText()
  const { modal, message } = App.useApp()
  const remove = useRemoveMember(organisation.id)
  const ask = () =>
    modal.confirm({
      title: t('organisations.removeAsk', { name: member.display_name }),
      okText: t('organisations.remove'),
      okButtonProps: { danger: true },
      onOk: () => remove.mutateAsync(member.user_id).catch(error => message.error(errorText(error))),
    })
  return (
    <Button
      size="small"
      danger
      aria-label={t('organisations.removeName', { name: member.display_name })}
      onClick={ask}
    >
      {t('organisations.remove')}
    </Button>
  )
}

/** Leaving, and for owners deleting. */
function Ways({ organisation }: { organisation: Membership }) {
  const { t } = useTranslation('identity')
  const errorText = useErrorText()
  const { modal, message } = App.useApp()
  const navigate = useNavigate()
  const me = useMe()
  const remove = useRemoveMember(organisation.id)
  const destroy = useDeleteOrganisation()
  const { name } = organisation
  const finish = (work: Promise<unknown>) =>
    work.then(
      () => navigate('/settings/organisations'),
      error => message.error(errorText(error)),
    )
  return (
    <Space wrap>
      <Button
        onClick={() =>
          modal.confirm({
            title: t('organisations.leaveAsk', { name }),
            content: t('organisations.leaveText'),
            okText: t('organisations.leave'),
            okButtonProps: { danger: true },
            onOk: () => finish(remove.mutateAsync(me.id)),
          })
        }
      >
        {t('organisations.leave')}
      </Button>
      {organisation.role === 'owner' && (
        <Button
          danger
          onClick={() =>
            modal.confirm({
              title: t('organisations.deleteAsk', { name }),
              content: t('organisations.deleteText'),
              okText: t('organisations.delete'),
              okButtonProps: { danger: true },
              onOk: () => finish(destroy.mutateAsync(organisation.id)),
            })
          }
        >
          {t('organisations.delete')}
        </Button>
      )}
    </Space>
  )
}
