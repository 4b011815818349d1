import { UndoOutlined } from '@ant-design/icons'
import { App, Button, Checkbox, Input, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMemberships } from '#api/cards.ts'
import { useCan } from '#api/me.ts'
import { type CardUse, useUndo } from '#api/redemptions.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { ErrorAlert } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time, useFormat } from '#ui/format.tsx'
import { Panel } from '#ui/panel.tsx'
import { useTextOf } from '../templates/text-of.ts'
import panel from './usage.module.css'
import { useReasonText } from './use-texts.ts'

/** One row of the log, and what can be done about it. */
export function UsePanel({ use }: { use: CardUse | undefined }) {
  const { t } = useTranslation('cards')
  const address = useAddress()
  return (
    <Panel
      title={use ? t(`usage.actions.${use.action}`) : ''}
      isOpen={use !== undefined}
      onClose={() => address.set({ use: null })}
    >
      {use && <Details use={use} />}
    </Panel>
  )
}

function Details({ use }: { use: CardUse }) {
  const { t } = useTranslation('cards')
  const can = useCan()
  const address = useAddress()
  const format = useFormat()
  const reasonText = useReasonText()
  const { batch, user, redemption_id } = use
  const isUndoable = use.action === 'redeemed' && !use.is_undone && can('cards.redemptions.undo')
  return (
    <>
      <div className={panel.actions}>
        {isUndoable && redemption_id && <UndoButton id={redemption_id} />}
        {batch && (
          <Button onClick={() => address.set({ batch: batch.id, use: null })}>{t('usage.onlyBatch')}</Button>
        )}
        {user && (
          <Button onClick={() => address.set({ user: user.id, use: null })}>{t('usage.onlyUser')}</Button>
        )}
      </div>
      <Facts
        items={[
          [t('usage.at'), <Time key="at" value={use.at} style="dateTime" />],
          [t('usage.template'), use.template_name],
          [t('usage.batch'), batch?.name],
          [
            t('usage.card'),
            use.number !== null && use.last4 !== null
              ? t('usage.cardNumber', { number: format.number(use.number), last4: use.last4 })
              : batch
                ? t('usage.cards', { count: use.cards })
                : t('usage.unknownCard'),
          ],
          [t('usage.user'), user ? user.name || t('usage.erased') : null],
          [t('usage.reason'), use.reason && reasonText(use.reason)],
          [t('usage.note'), use.note],
          [t('usage.by'), use.acting_user?.name],
          [t('usage.region'), use.region],
          [t('usage.ip'), use.ip],
          [t('usage.place_in_chain'), format.number(use.seq)],
        ]}
      />
    </>
  )
}

function UndoButton({ id }: { id: string }) {
  const { t } = useTranslation('cards')
  const { message } = App.useApp()
  const address = useAddress()
  const [isOpen, setOpen] = useState(false)
  const [reason, setReason] = useState('')
  const [isVoid, setVoid] = useState(false)
  const undo = useUndo()
  const textOf = useTextOf()
  const memberships = useMemberships(useCan()('cards.templates.manage'))
  const planName = (id: string) => {
    const plan = memberships.data?.items.find(item => item.id === id)
    return plan ? textOf(plan.names) : id
  }
  const confirm = () =>
    undo.mutate(
      { id, reason: reason.trim(), void_card: isVoid },
      {
        onSuccess({ membership }) {
          setOpen(false)
          address.set({ use: null })
          message.success(
            membership
              ? t('usage.undo.membership', { count: membership.days, plan: planName(membership.plan) })
              : t('usage.undo.done'),
            8,
          )
        },
      },
    )
  return (
    <>
      <Button danger icon={<UndoOutlined />} onClick={() => setOpen(true)}>
        {t('usage.undo.button')}
      </Button>
      <Modal
        open={isOpen}
        title={t('usage.undo.title')}
        okText={t('usage.undo.button')}
        okButtonProps={{ danger: true, disabled: reason.trim() === '', loading: undo.isPending }}
        onOk={confirm}
        onCancel={() => setOpen(false)}
      >
        <p className={common.text}>{t('usage.undo.text')}</p>
        {undo.isError && <ErrorAlert error={undo.error} />}
        <Input.TextArea
          aria-label={t('usage.undo.reason')}
          placeholder={`${t('usage.undo.reason')} · ${t('usage.undo.reasonHint')}`}
          value={reason}
          maxLength={500}
          autoSize={{ minRows: 2, maxRows: 6 }}
          onChange={event => setReason(event.target.value)}
        />
        <p>
          <Checkbox checked={isVoid} onChange={event => setVoid(event.target.checked)}>
            {t('usage.undo.void')}
          </Checkbox>
        </p>
      </Modal>
    </>
  )
}
