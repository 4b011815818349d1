import { App, Button, Form, Input, Select, Slider, Switch } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Firmware, FirmwarePatch } from '#api/device-types.ts'
import { useChangeFirmware, useDeleteFirmware, useGroups } from '#api/devices.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { Facts } from '#ui/facts.tsx'
import { useFormat } from '#ui/format.tsx'
import { Panel } from '#ui/panel.tsx'
import style from '../devices.module.css'

export function FirmwarePanel({
  firmware,
  onClose,
}: {
  firmware: Firmware | undefined
  onClose: () => void
}) {
  const { t } = useTranslation('devices')
  return (
    <Panel
      title={firmware ? `${firmware.type_name} ${firmware.version}` : t('menu.firmware')}
      isOpen={firmware !== undefined}
      onClose={onClose}
    >
      {firmware && <Content key={firmware.id} firmware={firmware} onClose={onClose} />}
    </Panel>
  )
}

type Fields = {
  percent: number
  group_id: string
  min_version: string
  is_forced: boolean
  notes: string
}

function Content({ firmware, onClose }: { firmware: Firmware; onClose: () => void }) {
  const { t } = useTranslation('devices')
  const format = useFormat()
  const { message } = App.useApp()
  const groups = useGroups()
  const change = useChangeFirmware()
  const isOver = firmware.state === 'withdrawn'
  const save = ({ group_id, min_version, ...fields }: Fields, state?: FirmwarePatch['state']) =>
    change.mutate(
      {
        id: firmware.id,
        ...fields,
        group_id: group_id || null,
        min_version: min_version.trim() || null,
        ...(state ? { state } : {}),
      },
      {
        onSuccess: () => void message.success(t(state === 'rolling' ? 'firmware.rolledOut' : 'device.saved')),
      },
    )
  const [form] = Form.useForm<Fields>()
  return (
    <div className={style.stack}>
      <Facts
        items={[
          [t('registrations.state'), t(`firmware.states.${firmware.state}`)],
          [t('imports.file'), firmware.file_name],
          [t('imports.size'), format.bytes(firmware.size)],
          [
            'SHA-256',
            <span key="sha" className={style.mono}>
              {firmware.sha256}
            </span>,
          ],
          [
            t('firmware.installed'),
            `${format.number(firmware.installed)} / ${format.number(firmware.eligible)}`,
          ],
        ]}
      />
      <Form
        form={form}
        layout="vertical"
        disabled={isOver}
        initialValues={{
          percent: firmware.percent,
          group_id: firmware.group_id ?? '',
          min_version: firmware.min_version ?? '',
          is_forced: firmware.is_forced,
          notes: firmware.notes,
        }}
        onFinish={fields => save(fields)}
      >
        <ErrorAlert error={change.error} />
        <Form.Item label={t('firmware.percent')} name="percent" extra={t('firmware.percentHint')}>
          <Slider
            ariaLabelForHandle={t('firmware.percent')}
            marks={{ 0: '0', 5: '5', 25: '25', 50: '50', 100: '100' }}
          />
        </Form.Item>
        <Form.Item label={t('firmware.group')} name="group_id">
          <Select
            options={[
              { value: '', label: t('broadcasts.everybody') },
              ...(groups.data?.items ?? []).map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        </Form.Item>
        <Form.Item label={t('firmware.minVersion')} name="min_version" extra={t('firmware.minVersionHint')}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item
          label={t('firmware.force')}
          name="is_forced"
          valuePropName="checked"
          extra={t('firmware.forceHint')}
        >
          <Switch />
        </Form.Item>
        <Form.Item label={t('firmware.notes')} name="notes">
          <Input.TextArea maxLength={5000} autoSize={{ minRows: 2, maxRows: 8 }} />
        </Form.Item>
        <div className={common.actions}>
          {firmware.state === 'rolling' ? (
            <>
              <Button type="primary" htmlType="submit" loading={change.isPending}>
                {t('device.save')}
              </Button>
              <Button onClick={() => save(form.getFieldsValue(), 'paused')}>{t('firmware.pause')}</Button>
            </>
          ) : (
            <Button
              type="primary"
              loading={change.isPending}
              onClick={() => save(form.getFieldsValue(), 'rolling')}
            >
              {t('firmware.rollOut')}
            </Button>
          )}
        </div>
      </Form>
      <Ending firmware={firmware} onClose={onClose} />
    </div>
  )
}

function Ending({ firmware, onClose }: { firmware: Firmware; onClose: () => void }) {
  const { t } = useTranslation('devices')
  const { message, modal } = App.useApp()
  const errorText = useErrorText()
  const change = useChangeFirmware()
  const remove = useDeleteFirmware()
  const fail = (error: unknown) => void message.error(errorText(error))
  const isLive = firmware.state === 'rolling' || firmware.state === 'paused'
  const ask = (what: 'withdraw' | 'remove', onOk: () => Promise<unknown>) =>
    modal.confirm({
      title: t(`firmware.${what}Ask`, { version: firmware.version }),
      content: t(`firmware.${what}Text`),
      okText: t(`firmware.${what}`),
      okButtonProps: { danger: true },
      onOk,
    })
  return (
    <div className={common.actions}>
      {isLive ? (
        <Button
          danger
          onClick={() =>
            ask('withdraw', () => change.mutateAsync({ id: firmware.id, state: 'withdrawn' }).catch(fail))
          }
        >
          {t('firmware.withdraw')}
        </Button>
      ) : (
        <Button
          danger
          onClick={() => ask('remove', () => remove.mutateAsync(firmware.id).then(onClose, fail))}
        >
          {t('firmware.remove')}
        </Button>
      )}
    </div>
  )
}
