import { HistoryOutlined, SafetyCertificateOutlined } from '@ant-design/icons'
import { Button, Select, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { type CardUse, type UseAction, useUses } from '#api/redemptions.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { UsePanel } from './use-panel.tsx'
import { useReasonText } from './use-texts.ts'
import { VerifyPanel } from './verify-panel.tsx'

const actions: readonly UseAction[] = ['redeemed', 'undone', 'refused', 'expired']
const looks: Record<UseAction, string> = {
  redeemed: 'success',
  undone: 'warning',
  refused: 'error',
  expired: 'default',
}

export function Component() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const given = address.get('action')
  const filter = {
    action: actions.find(action => action === given),
    batch_id: address.get('batch'),
    user_id: address.get('user'),
  }
  const uses = useUses(filter)
  const isFiltered = Object.values(filter).some(value => value !== undefined)
  const clear = (
    <Button onClick={() => address.set({ action: null, batch: null, user: null })}>{t('usage.clear')}</Button>
  )
  const shown = uses.data?.items.find(use => use.id === address.get('use'))
  return (
    <Page
      title={t('usage.title')}
      description={t('usage.text')}
      back="/cards"
      action={
        <Button icon={<SafetyCertificateOutlined />} onClick={() => address.push({ verify: 'all' })}>
          {t('usage.verify.button')}
        </Button>
      }
      filters={
        <>
          <Select
            className={common.filter ?? ''}
            aria-label={t('usage.action')}
            value={filter.action ?? ''}
            onChange={value => address.set({ action: value })}
            options={[
              { value: '', label: t('usage.anyAction') },
              ...actions.map(action => ({ value: action, label: t(`usage.actions.${action}`) })),
            ]}
          />
          {isFiltered && clear}
        </>
      }
    >
      <DataTable
        label={t('usage.title')}
        columns={useColumns(use => address.push({ use: use.id }))}
        rowKey={use => use.id}
        pages={uses}
        onRowClick={use => address.push({ use: use.id })}
        empty={
          isFiltered ? (
            <EmptyState title={t('usage.nothingTitle')} action={clear} />
          ) : (
            <EmptyState
              icon={<HistoryOutlined />}
              title={t('usage.emptyTitle')}
              description={t('usage.emptyText')}
            />
          )
        }
      />
      <UsePanel use={shown} />
      <VerifyPanel />
    </Page>
  )
}

function useColumns(open: (use: CardUse) => void): Column<CardUse>[] {
  const { t } = useTranslation('cards')
  const reasonText = useReasonText()
  const format = useFormat()
  return [
    {
      key: 'card',
      title: t('usage.card'),
      role: 'title',
      width: '32%',
      render: use => (
        <>
          <button type="button" className={common.nameButton} onClick={() => open(use)}>
            {use.template_name ?? t('usage.unknownCard')}
          </button>
          {use.batch && (
            <span className={`${common.small} ${common.ellipsis}`}>
              {use.number !== null && use.last4 !== null
                ? t('usage.cardNumber', { number: format.number(use.number), last4: use.last4 })
                : t('usage.cards', { count: use.cards })}
            </span>
          )}
        </>
      ),
    },
    {
      key: 'action',
      title: t('usage.action'),
      width: '22%',
      render: use => (
        <span className={common.tags}>
          <Tag color={looks[use.action]}>{t(`usage.actions.${use.action}`)}</Tag>
          {use.action === 'redeemed' && use.is_undone && <Tag>{t('usage.isUndone')}</Tag>}
          {use.reason && <span className={common.small}>{reasonText(use.reason)}</span>}
        </span>
      ),
    },
    {
      key: 'user',
      title: t('usage.user'),
      render: use => <span className={common.ellipsis}>{use.user ? use.user.name : '–'}</span>,
    },
    {
      key: 'place',
      title: t('usage.place'),
      render: use => <span className={common.ellipsis}>{use.region ?? use.ip ?? '–'}</span>,
    },
    { key: 'at', title: t('usage.at'), width: 140, render: use => <Time value={use.at} /> },
  ]
}
