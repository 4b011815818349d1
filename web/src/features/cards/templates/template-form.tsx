import { App, Button, Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import {
  type AttributeNode,
  type CardTemplate,
  type TemplateContent,
  useCardCategories,
  useChangeTemplate,
  useCreateTemplate,
  useMemberships,
} from '#api/cards.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import style from '../cards.module.css'
import { rarities } from '../rarity.tsx'
import { AttributeFields } from './attribute-fields.tsx'
import { withoutEmpty } from './attributes.ts'
import { ImagesField } from './file-fields.tsx'
import { useTextOf } from './text-of.ts'

type Fields = Partial<TemplateContent> & { category: string }

/** The fields as the server takes them: what was left empty is not there. */
function toContent({ category: _, ...fields }: Fields, schema: AttributeNode | undefined): TemplateContent {
  const { membership, points } = fields.rewards ?? {}
  return {
    name: fields.name ?? '',
    description: fields.description ?? '',
    images: fields.images ?? [],
    attributes: (withoutEmpty(fields.attributes ?? {}, schema) ?? {}) as Record<string, unknown>,
    rarity: fields.rarity ?? 'common',
    rewards: {
      ...(membership?.plan ? { membership } : {}),
      ...(points ? { points } : {}),
    },
    set_name: fields.set_name?.trim() || null,
  }
}

/** Form for a template: a new one, or the next version of one that is there. */
export function TemplateForm({ template }: { template: CardTemplate | undefined }) {
  const { t } = useTranslation('cards')
  const { message } = App.useApp()
  const address = useAddress()
  const [form] = Form.useForm<Fields>()
  const categories = useCardCategories()
  const create = useCreateTemplate()
  const change = useChangeTemplate(template?.id ?? '')
  const onError = (error: unknown) => showFieldErrors(form, error)
  const submit = () => {
    // The fields of the attributes come and go with the category, so all values are asked for.
    const fields = form.getFieldsValue(true) as Fields
    const schema = categories.data?.items.find(({ name }) => name === fields.category)?.schema
    const content = toContent(fields, schema)
    const onSuccess = ({ id, version }: CardTemplate) => {
      message.success(t('templates.saved', { version }))
      address.set({ template: id })
    }
    if (template) change.mutate({ ...content, base_version: template.version }, { onSuccess, onError })
    else create.mutate({ ...content, category: fields.category }, { onSuccess, onError })
  }
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={submit}
      initialValues={template ?? { category: 'dance', rarity: 'common', images: [] }}
    >
      <ErrorAlert error={create.error ?? change.error} />
      <What isNew={!template} />
      <Attributes />
      <Rewards />
      <div className={common.formEnd}>
        <Button type="primary" htmlType="submit" loading={create.isPending || change.isPending}>
          {template ? t('templates.save', { version: template.version + 1 }) : t('templates.create')}
        </Button>
      </div>
    </Form>
  )
}

function What({ isNew }: { isNew: boolean }) {
  const { t } = useTranslation('cards')
  const textOf = useTextOf()
  const categories = useCardCategories()
  const form = Form.useFormInstance<Fields>()
  const required = [{ required: true, message: t('common.required') }]
  return (
    <>
      <Form.Item
        label={t('templates.name')}
        name="name"
        rules={[{ required: true, whitespace: true, message: t('common.required') }]}
      >
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <div className={common.row}>
        <Form.Item label={t('templates.category')} name="category" rules={required}>
          <Select
            disabled={!isNew}
            onChange={() => form.setFieldValue('attributes', {})}
            options={categories.data?.items.map(({ name, titles }) => ({
              value: name,
              label: textOf(titles),
            }))}
          />
        </Form.Item>
        <Form.Item label={t('templates.rarity')} name="rarity" rules={required}>
          <Select options={rarities.map(rarity => ({ value: rarity, label: t(`rarities.${rarity}`) }))} />
        </Form.Item>
      </div>
      <Form.Item label={t('templates.set')} name="set_name" extra={t('templates.setHint')}>
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <Form.Item label={t('templates.description')} name="description">
        <Input.TextArea maxLength={5000} autoSize={{ minRows: 2, maxRows: 8 }} />
      </Form.Item>
      <Form.Item label={t('templates.images')} name="images" extra={t('templates.imagesHint')}>
        <ImagesField />
      </Form.Item>
    </>
  )
}

function Attributes() {
  const { t } = useTranslation('cards')
  const categories = useCardCategories()
  const name = Form.useWatch<string | undefined>('category')
  const category = categories.data?.items.find(item => item.name === name)
  if (!category || Object.keys(category.schema.properties ?? {}).length === 0) return null
  return (
    <section className={style.group} aria-label={t('templates.attributes')}>
      <h3 className={style.groupTitle}>{t('templates.attributes')}</h3>
      <AttributeFields schema={category.schema} path={['attributes']} />
    </section>
  )
}

function Rewards() {
  const { t } = useTranslation('cards')
  const textOf = useTextOf()
  const memberships = useMemberships()
  const plan = Form.useWatch<string | undefined>(['rewards', 'membership', 'plan'])
  return (
    <section className={style.group} aria-label={t('templates.rewards')}>
      <h3 className={style.groupTitle}>{t('templates.rewards')}</h3>
      <p className={common.text}>{t('templates.rewardsHint')}</p>
      <div className={common.row}>
        <Form.Item label={t('templates.plan')} name={['rewards', 'membership', 'plan']}>
          <Select
            allowClear
            placeholder={t('templates.noPlan')}
            options={memberships.data?.items.map(({ id, names }) => ({ value: id, label: textOf(names) }))}
          />
        </Form.Item>
        {plan && (
          <Form.Item
            label={t('templates.days')}
            name={['rewards', 'membership', 'days']}
            rules={[{ required: true, message: t('common.required') }]}
          >
            <InputNumber className={common.full ?? ''} min={1} max={3660} precision={0} />
          </Form.Item>
        )}
        <Form.Item label={t('templates.points')} name={['rewards', 'points']}>
          <InputNumber className={common.full ?? ''} min={1} max={1_000_000} precision={0} />
        </Form.Item>
      </div>
    </section>
  )
}
