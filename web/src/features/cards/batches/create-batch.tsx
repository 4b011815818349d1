import { App, Button, Form, Input, InputNumber, Segmented, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCreateBatches, useTemplate, useTemplates } from '#api/cards.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { Panel } from '#ui/panel.tsx'

const sources = ['template', 'set'] as const
const validities = ['none', 'until', 'days'] as const

type Fields = {
  source: (typeof sources)[number]
  template_id?: string
  set_name?: string
  name: string
  quantity: number
  validity: (typeof validities)[number]
  until?: string
  days?: number
  channel?: string
  notes?: string
}

/** Form for new batches, as drafts: of one template or of a whole set. */
export function CreateBatch(props: { isOpen: boolean; templateId: string | undefined; onClose: () => void }) {
  const { t } = useTranslation('cards')
  return (
    <Panel isOpen={props.isOpen} onClose={props.onClose} title={t('batches.add')}>
      <BatchForm templateId={props.templateId} onClose={props.onClose} />
    </Panel>
  )
}

function toInput(fields: Fields) {
  const { validity, until, days } = fields
  const common = {
    name: fields.name,
    quantity: fields.quantity,
    // Typed in the browser's own zone; the wire has an offset.
    valid_until: validity === 'until' && until ? new Date(until).toISOString() : null,
    valid_days: validity === 'days' ? (days ?? null) : null,
    channel: fields.channel || null,
    notes: fields.notes ?? '',
  }
  return fields.source === 'set'
    ? { ...common, set_name: fields.set_name?.trim() ?? '' }
    : { ...common, template_id: fields.template_id ?? '' }
}

function BatchForm({ templateId, onClose }: { templateId: string | undefined; onClose: () => void }) {
  const { t } = useTranslation('cards')
  const { message } = App.useApp()
  const address = useAddress()
  const [form] = Form.useForm<Fields>()
  const create = useCreateBatches()
  const source = Form.useWatch('source', form) ?? 'template'
  const required = [{ required: true, message: t('common.required') }]
  const filled = [{ required: true, whitespace: true, message: t('common.required') }]
  const submit = (fields: Fields) =>
    create.mutate(toInput(fields), {
      onSuccess([first, ...others]) {
        message.success(t('batches.made', { count: 1 + others.length }))
        if (first && others.length === 0) address.set({ batch: first.id, template: null })
        else onClose()
      },
      onError: error => showFieldErrors(form, error),
    })
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={submit}
      initialValues={{ source: 'template', template_id: templateId, quantity: 1000, validity: 'none' }}
    >
      <ErrorAlert error={create.error} />
      <Form.Item label={t('batches.source')} name="source">
        <Segmented options={sources.map(value => ({ value, label: t(`batches.sources.${value}`) }))} />
      </Form.Item>
      {source === 'set' ? (
        <Form.Item label={t('batches.setName')} name="set_name" extra={t('batches.setHint')} rules={filled}>
          <Input maxLength={100} autoComplete="off" />
        </Form.Item>
      ) : (
        <Form.Item label={t('batches.template')} name="template_id" rules={required}>
          <TemplateSelect />
        </Form.Item>
      )}
      <Form.Item label={t('batches.name')} name="name" rules={filled}>
        <Input maxLength={100} autoComplete="off" placeholder={t('batches.namePlaceholder')} />
      </Form.Item>
      <Form.Item label={t('batches.quantity')} name="quantity" rules={required}>
        <InputNumber className={common.full ?? ''} min={1} max={1_000_000} precision={0} />
      </Form.Item>
      <ValidityFields />
      <Form.Item label={t('batches.channel')} name="channel">
        <Input maxLength={100} autoComplete="off" placeholder={t('batches.channelPlaceholder')} />
      </Form.Item>
      <Form.Item label={t('batches.notes')} name="notes">
        <Input.TextArea maxLength={2000} autoSize={{ minRows: 2, maxRows: 6 }} />
      </Form.Item>
      <div className={common.formEnd}>
        <Button type="primary" htmlType="submit" loading={create.isPending}>
          {t('batches.create')}
        </Button>
      </div>
    </Form>
  )
}

function ValidityFields() {
  const { t } = useTranslation('cards')
  const validity = Form.useWatch<Fields['validity'] | undefined>('validity')
  const required = [{ required: true, message: t('common.required') }]
  return (
    <>
      <Form.Item label={t('batches.validity')} name="validity">
        <Segmented options={validities.map(value => ({ value, label: t(`batches.validities.${value}`) }))} />
      </Form.Item>
      {validity === 'until' && (
        <Form.Item label={t('batches.until')} name="until" rules={required}>
          <Input type="datetime-local" />
        </Form.Item>
      )}
      {validity === 'days' && (
        <Form.Item label={t('batches.days')} name="days" rules={required}>
          <InputNumber className={common.full ?? ''} min={1} max={36_500} precision={0} />
        </Form.Item>
      )}
    </>
  )
}

/** Published templates, searched by name on the server. */
function TemplateSelect({
  value,
  onChange,
  id,
}: {
  value?: string
  onChange?: (id: string) => void
  id?: string
}) {
  const { t } = useTranslation('cards')
  const [q, setQ] = useState('')
  const templates = useTemplates({ state: 'published', ...(q && { q }) })
  const chosen = useTemplate(value)
  const shown = templates.data?.items ?? []
  const extra = chosen.data && !shown.some(({ id: other }) => other === chosen.data?.id) ? [chosen.data] : []
  return (
    <Select
      {...(id === undefined ? {} : { id })}
      {...(value === undefined ? {} : { value })}
      {...(onChange ? { onChange } : {})}
      showSearch={{ filterOption: false, onSearch: setQ }}
      placeholder={t('batches.chooseTemplate')}
      loading={templates.isFetching}
      options={[...extra, ...shown].map(template => ({ value: template.id, label: template.name }))}
    />
  )
}
