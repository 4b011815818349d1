import { App, Button, Form, Input, Radio, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Device, Offer } from '#api/device-types.ts'
import { useMakeOffer, useMembers, useOutgoingOffers, useRemoveMember, useRemoveOffer } from '#api/devices.ts'
import common from '#ui/common.module.css'
import { CopyButton } from '#ui/copy.tsx'
import { ErrorAlert, ErrorState, useErrorText } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { Section } from '#ui/page.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import style from '../devices.module.css'

export function FamilyTab({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const isOwner = device.role === 'owner'
  return (
    <div className={style.stack}>
      <Members device={device} />
      {isOwner && (
        <>
          <Section title={t('family.invite')} description={t('family.inviteText')}>
            <OfferForm device={device} kind="member" />
          </Section>
          <Section title={t('family.transfer')} description={t('family.transferText')}>
            <OfferForm device={device} kind="transfer" />
          </Section>
          <OpenOffers device={device} />
        </>
      )}
    </div>
  )
}

function Members({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const { message, modal } = App.useApp()
  const errorText = useErrorText()
  const members = useMembers(device.id)
  const remove = useRemoveMember(device.id)
  if (members.isPending) return <ListSkeleton />
  if (!members.data) return <ErrorState error={members.error} onRetry={() => members.refetch()} />
  const ask = (id: string, name: string) =>
    modal.confirm({
      title: t('family.removeAsk', { name }),
      okText: t('family.remove'),
      okButtonProps: { danger: true },
      onOk: () => remove.mutateAsync(id).catch(error => void message.error(errorText(error))),
    })
  return (
    <ul className={style.rows} aria-label={t('device.tabs.family')}>
      {members.data.items.map(member => {
        const name = member.user?.display_name ?? t('family.gone')
        return (
          <li key={member.user_id}>
            <span className={style.grow}>
              {name} {member.user && <span className={common.small}>@{member.user.username}</span>}
            </span>
            <Tag>{t(`family.${member.role}`)}</Tag>
            {device.role === 'owner' && member.role === 'member' && (
              <Button size="small" onClick={() => ask(member.user_id, name)}>
                {t('family.remove')}
              </Button>
            )}
          </li>
        )
      })}
    </ul>
  )
}

function OfferForm({ device, kind }: { device: Device; kind: Offer['kind'] }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const [form] = Form.useForm<{ username: string }>()
  const [how, setHow] = useState<'name' | 'link'>('name')
  const offer = useMakeOffer(device.id)
  const make = ({ username }: { username?: string }) =>
    offer.mutate(how === 'name' && username ? { kind, username: username.trim() } : { kind }, {
      onSuccess: made => {
        form.resetFields()
        if (made.to) message.success(t('family.offered', { name: made.to.display_name }))
      },
    })
  const link = offer.data?.url_path
  return (
    <Form form={form} name={`offer-${kind}`} layout="vertical" className={style.form ?? ''} onFinish={make}>
      <ErrorAlert error={offer.error} />
      <Form.Item>
        <Radio.Group
          value={how}
          onChange={event => setHow(event.target.value)}
          options={[
            { value: 'name', label: t('family.byName') },
            { value: 'link', label: t('family.byLink') },
          ]}
        />
      </Form.Item>
      {how === 'name' && (
        <Form.Item
          name="username"
          label={t('family.username')}
          rules={[{ required: true, whitespace: true, message: t('family.usernameRequired') }]}
        >
          <Input maxLength={100} autoComplete="off" />
        </Form.Item>
      )}
      <Button htmlType="submit" loading={offer.isPending}>
        {t(how === 'link' ? 'family.makeLink' : `family.${kind}Submit`)}
      </Button>
      {how === 'link' && link && (
        <p className={common.actions}>
          <span className={`${style.grow} ${style.mono}`}>{`${location.origin}${link}`}</span>
          <CopyButton text={`${location.origin}${link}`} label={t('family.copyLink')} />
        </p>
      )}
    </Form>
  )
}

function OpenOffers({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const offers = useOutgoingOffers(device.id, true)
  const remove = useRemoveOffer()
  if (!offers.data || offers.data.items.length === 0) return null
  return (
    <Section title={t('family.open')}>
      <ErrorAlert error={remove.error} />
      <ul className={style.rows}>
        {offers.data.items.map(offer => (
          <li key={offer.id}>
            <span className={style.grow}>
              {t(`family.open_${offer.kind}`, { name: offer.to?.display_name ?? t('family.whoeverHasLink') })}
              <span className={common.small}>
                {' '}
                · {t('family.until')} <Time value={offer.expires_at} style="date" />
              </span>
            </span>
            <Button size="small" onClick={() => remove.mutate(offer.id)}>
              {t('family.withdraw')}
            </Button>
          </li>
        ))}
      </ul>
    </Section>
  )
}
