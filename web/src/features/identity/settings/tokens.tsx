import { ApiOutlined, PlusOutlined } from '@ant-design/icons'
import { App, Button, Space, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApiTokens, useRevokeApiToken } from '#api/identity.ts'
import type { ApiToken, NewApiToken } from '#api/types.ts'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState, useErrorText } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from '../identity.module.css'
import { CreateToken, NewTokenShown } from './new-token.tsx'

export function Component() {
  const { t } = useTranslation('identity')
  const [isCreating, setCreating] = useState(false)
  const [created, setCreated] = useState<NewApiToken | null>(null)
  return (
    <Page
      title={t('tokens.title')}
      description={t('tokens.text')}
      back="/settings"
      action={
        <Button type="primary" icon={<PlusOutlined />} onClick={() => setCreating(true)}>
          {t('tokens.create')}
        </Button>
      }
    >
      <Tokens />
      <CreateToken
        isOpen={isCreating}
        onClose={() => setCreating(false)}
        onCreated={token => {
          setCreating(false)
          setCreated(token)
        }}
      />
      <NewTokenShown token={created} onClose={() => setCreated(null)} />
    </Page>
  )
}

const knownScopes = ['chat', 'read', 'all'] as const

function Tokens() {
  const { t } = useTranslation('identity')
  const tokens = useApiTokens()
  if (tokens.isPending) return <ListSkeleton rows={3} />
  if (tokens.isError) return <ErrorState error={tokens.error} onRetry={() => tokens.refetch()} />
  const scopeName = (scope: string) => {
    const known = knownScopes.find(name => name === scope)
    return known ? t(`tokens.scope.${known}`) : scope
  }
  const columns: Column<ApiToken>[] = [
    {
      key: 'name',
      title: t('tokens.name'),
      role: 'title',
      render: token => (
        <>
          <span className={style.ellipsis} title={token.name}>
            {token.name}
          </span>
          <code className={style.muted}>bnt_…{token.last_four}</code>
        </>
      ),
    },
    {
      key: 'scopes',
      title: t('tokens.scopes'),
      render: token => (
        <Space size={4} wrap>
          {token.scopes.map(scope => (
            <Tag key={scope}>{scopeName(scope)}</Tag>
          ))}
        </Space>
      ),
    },
    {
      key: 'used',
      title: t('tokens.lastUsed'),
      width: 130,
      render: token => (token.last_used_at ? <Time value={token.last_used_at} /> : t('tokens.neverUsed')),
    },
    {
      key: 'expires',
      title: t('tokens.expiresAt'),
      width: 140,
      render: token =>
        token.expires_at ? <Time value={token.expires_at} style="date" /> : t('tokens.expiry.never'),
    },
    {
      key: 'actions',
      title: '',
      width: 100,
      align: 'right',
      role: 'actions',
      render: token => <Revoke token={token} />,
    },
  ]
  return (
    <DataTable
      label={t('tokens.title')}
      columns={columns}
      rowKey={token => token.id}
      pages={{ rows: tokens.data.items }}
      empty={
        <EmptyState
          icon={<ApiOutlined />}
          title={t('tokens.empty.title')}
          description={t('tokens.empty.text')}
        />
      }
    />
  )
}

function Revoke({ token }: { token: ApiToken }) {
  const { t } = useTranslation('identity')
  const errorText = useErrorText()
  const { message, modal } = App.useApp()
  const revoke = useRevokeApiToken()
  const ask = () =>
    modal.confirm({
      title: t('tokens.revokeAsk'),
      content: t('tokens.revokeText', { name: token.name }),
      okText: t('tokens.revoke'),
      okButtonProps: { danger: true },
      onOk: () =>
        revoke.mutateAsync(token.id).then(
          () => message.success(t('tokens.revoked')),
          error => message.error(errorText(error)),
        ),
    })
  return (
    <Button
      size="small"
      danger
      loading={revoke.isPending}
      aria-label={t('tokens.revokeName', { name: token.name })}
      onClick={ask}
    >
      {t('tokens.revoke')}
    </Button>
  )
}
