import { App, Button, Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useNavigate } from 'react-router'
import { useBots } from '#api/chat.ts'
import type { Device } from '#api/device-types.ts'
import { useChangeDevice, useReleaseDevice, useRemoveMember } from '#api/devices.ts'
import { useMe } from '#api/me.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { Time } from '#ui/format.tsx'
import { Section } from '#ui/page.tsx'
import style from '../devices.module.css'
import { useSignalText } from '../presence.tsx'

export function GeneralTab({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const signal = useSignalText()
  const { presence } = device
  return (
    <div className={style.stack}>
      {device.role === 'owner' && <OwnerForm device={device} />}
      <Section title={t('device.facts')}>
        <Facts
          items={[
            [t('device.type'), device.type.name],
            [t('device.board'), device.board],
            [
              t('device.mac'),
              <span key="mac" className={style.mono}>
                {device.mac}
              </span>,
            ],
            [t('device.serial'), device.serial],
            [t('device.firmware'), presence.firmware_version],
            [t('device.network'), signal(presence)],
            [
              t('device.battery'),
              presence.battery === null ? null : t('presence.percent', { percent: presence.battery }),
            ],
            [t('device.owner'), device.role === 'member' ? device.owner?.display_name : null],
            [t('device.since'), <Time key="since" value={device.bound_at} style="dateTime" />],
          ]}
        />
      </Section>
      {device.role === 'owner' ? <Release device={device} /> : <Leave device={device} />}
    </div>
  )
}

function OwnerForm({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const change = useChangeDevice(device.id)
  const bots = useBots()
  const known = (bots.data?.items ?? []).map(bot => ({
    value: bot.id,
    label: `${bot.avatar_emoji} ${bot.name}`,
  }))
  const isKnown = device.bot_id === null || known.some(({ value }) => value === device.bot_id)
  const save = ({ name, bot_id }: { name: string; bot_id: string }) =>
    change.mutate(
      { name, bot_id: bot_id === '' ? null : bot_id },
      { onSuccess: () => void message.success(t('device.saved')) },
    )
  return (
    <Form
      key={`${device.name} ${device.bot_id}`}
      className={style.form ?? ''}
      layout="vertical"
      initialValues={{ name: device.name, bot_id: device.bot_id ?? '' }}
      onFinish={save}
    >
      <ErrorAlert error={change.error} />
      <Form.Item
        label={t('device.name')}
        name="name"
        rules={[{ required: true, whitespace: true, message: t('device.nameRequired') }]}
      >
        <Input maxLength={60} />
      </Form.Item>
      <Form.Item label={t('device.bot')} name="bot_id" extra={t('device.botHint')}>
        <Select
          loading={bots.isPending}
          options={[
            { value: '', label: t('device.noBot') },
            ...known,
            ...(isKnown ? [] : [{ value: device.bot_id ?? '', label: t('device.botGone') }]),
          ]}
        />
      </Form.Item>
      <div className={common.actions}>
        <Button type="primary" htmlType="submit" loading={change.isPending}>
          {t('device.save')}
        </Button>
        {!device.is_primary && (
          <Button onClick={() => change.mutate({ is_primary: true })}>{t('device.makePrimary')}</Button>
        )}
      </div>
      <p className={common.small}>{t(device.is_primary ? 'device.isPrimary' : 'device.primaryHint')}</p>
    </Form>
  )
}

function Release({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const { message, modal } = App.useApp()
  const errorText = useErrorText()
  const navigate = useNavigate()
  const release = useReleaseDevice(device.id)
  const { name } = device
  const ask = () =>
    modal.confirm({
      title: t('device.releaseAsk', { name }),
      content: t('device.releaseText'),
      okText: t('device.release'),
      okButtonProps: { danger: true },
      onOk: () =>
        release.mutateAsync(undefined).then(
          () => {
            message.success(t('device.released', { name }))
            navigate('/devices', { replace: true })
          },
          error => void message.error(errorText(error)),
        ),
    })
  return (
    <Section title={t('device.releaseTitle')} description={t('device.releaseHint')}>
      <Button danger onClick={ask}>
        {t('device.release')}
      </Button>
    </Section>
  )
}

function Leave({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const me = useMe()
  const navigate = useNavigate()
  const leave = useRemoveMember(device.id)
  return (
    <Section title={t('device.leaveTitle')}>
      <ErrorAlert error={leave.error} />
      <Button
        danger
        loading={leave.isPending}
        onClick={() => leave.mutate(me.id, { onSuccess: () => navigate('/devices', { replace: true }) })}
      >
        {t('device.leave')}
      </Button>
    </Section>
  )
}
