import { Alert, App, Button, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { type AttributeNode, type CardCategory, useDeleteCategory, useSaveCategory } from '#api/cards.ts'
import common from '#ui/common.module.css'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import style from '../cards.module.css'
import { AttributeFields } from '../templates/attribute-fields.tsx'
import { useTextOf } from '../templates/text-of.ts'

type Fields = { name: string; titles: CardCategory['titles']; schema: string }

const example = {
  type: 'object',
  properties: {
    breed: { type: 'string', maxLength: 50, 'x-titles': { 'zh-CN': '品种', en: 'Breed' } },
    size: {
      type: 'string',
      enum: ['small', 'large'],
      'x-titles': { 'zh-CN': '体型', en: 'Size' },
      'x-enum-titles': {
        small: { 'zh-CN': '小', en: 'Small' },
        large: { 'zh-CN': '大', en: 'Large' },
      },
    },
    age: { type: 'integer', minimum: 0, maximum: 30, 'x-titles': { 'zh-CN': '年龄', en: 'Age' } },
  },
  required: ['breed'],
  additionalProperties: false,
}

type Place = { line: string; column: string }

/** What a text says as JSON, or where it is none, if the browser says so: the rest of its words are English. */
function read(text: string | undefined): { schema: AttributeNode } | { broken: Place | null } {
  try {
    return { schema: JSON.parse(text ?? '') as AttributeNode }
  } catch (error) {
    const [, line, column] = /line (\d+) column (\d+)/.exec(String(error)) ?? []
    return { broken: line && column ? { line, column } : null }
  }
}

/** Form for a category, with the form that its JSON Schema makes below it. */
export function CategoryForm({
  category,
  onClose,
}: {
  category: CardCategory | undefined
  onClose: () => void
}) {
  const { t } = useTranslation('cards')
  const { message } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const save = useSaveCategory(!category)
  const isFixed = category?.is_builtin ?? false
  const required = [{ required: true, message: t('common.required') }]
  const submit = ({ name, titles, schema }: Fields) => {
    const parsed = read(schema)
    if ('broken' in parsed) return
    save.mutate(
      { name: category?.name ?? name, titles, schema: parsed.schema },
      {
        onSuccess() {
          message.success(t('categories.saved'))
          onClose()
        },
        onError: error => showFieldErrors(form, error),
      },
    )
  }
  return (
    <Form
      form={form}
      layout="vertical"
      disabled={isFixed}
      onFinish={submit}
      initialValues={
        category
          ? { ...category, schema: JSON.stringify(category.schema, null, 2) }
          : { schema: JSON.stringify(example, null, 2) }
      }
    >
      {isFixed && (
        <Alert className={style.note ?? ''} type="info" showIcon title={t('categories.builtinText')} />
      )}
      <ErrorAlert error={save.error} />
      <Form.Item
        label={t('categories.name')}
        name="name"
        extra={category ? null : t('categories.nameHint')}
        rules={[...required, { pattern: /^[a-z][a-z0-9_]{1,49}$/, message: t('categories.nameHint') }]}
      >
        <Input maxLength={50} disabled={category !== undefined} autoComplete="off" />
      </Form.Item>
      <div className={common.row}>
        <Form.Item label={t('categories.zh')} name={['titles', 'zh-CN']} rules={required}>
          <Input maxLength={50} autoComplete="off" />
        </Form.Item>
        <Form.Item label={t('categories.en')} name={['titles', 'en']} rules={required}>
          <Input maxLength={50} autoComplete="off" />
        </Form.Item>
      </div>
      <Form.Item
        className={style.code ?? ''}
        label={t('categories.schema')}
        name="schema"
        extra={t('categories.schemaHint')}
        rules={[
          {
            validator: (_, text: string) => {
              const parsed = read(text)
              if ('schema' in parsed) return Promise.resolve()
              const { broken } = parsed
              return Promise.reject(
                new Error(broken ? t('categories.notJsonAt', broken) : t('categories.notJson')),
              )
            },
          },
        ]}
      >
        {/* Read-only rather than disabled: its text is there to be copied. */}
        <Input.TextArea
          autoSize={{ minRows: 8, maxRows: 24 }}
          spellCheck={false}
          readOnly={isFixed}
          disabled={false}
        />
      </Form.Item>
      {!isFixed && (
        <div className={common.formEnd}>
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {t(category ? 'categories.save' : 'categories.create')}
          </Button>
          <span className={style.grow} />
          {category && <Remove category={category} onGone={onClose} />}
        </div>
      )}
      <Preview form={form} />
    </Form>
  )
}

function Preview({ form }: { form: ReturnType<typeof Form.useForm<Fields>>[0] }) {
  const { t } = useTranslation('cards')
  const parsed = read(Form.useWatch('schema', form))
  if ('broken' in parsed || parsed.schema?.type !== 'object') return null
  return (
    <section className={style.group} aria-label={t('categories.preview')}>
      <h3 className={style.groupTitle}>{t('categories.preview')}</h3>
      {/* A form of its own: what is typed here is for trying only. */}
      <Form component={false} layout="vertical" disabled={false}>
        <AttributeFields schema={parsed.schema} path={['attributes']} />
      </Form>
    </section>
  )
}

function Remove({ category, onGone }: { category: CardCategory; onGone: () => void }) {
  const { t } = useTranslation('cards')
  const { modal, message } = App.useApp()
  const errorText = useErrorText()
  const textOf = useTextOf()
  const remove = useDeleteCategory()
  const ask = () =>
    modal.confirm({
      title: t('categories.deleteAsk', { name: textOf(category.titles) }),
      content: t('categories.deleteText'),
      okText: t('categories.delete'),
      okButtonProps: { danger: true },
      onOk: () =>
        remove.mutateAsync(category.name).then(
          () => {
            message.success(t('categories.deleted'))
            onGone()
          },
          error => void message.error(errorText(error)),
        ),
    })
  return (
    <Button danger onClick={ask}>
      {t('categories.delete')}
    </Button>
  )
}
