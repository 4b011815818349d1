import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons'
import { App, AutoComplete, Button, Form, Input, Radio, Select, Slider, Switch } from 'antd'
import { useTranslation } from 'react-i18next'
import { useModels, useSaveBot } from '#api/chat.ts'
import { useCan } from '#api/me.ts'
import type { Bot, BotInput } from '#api/types.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import style from './bots.module.css'

type Fields = Omit<BotInput, 'temperature'> & { has_temperature: boolean; temperature: number }

const fresh: BotInput = {
  name: '',
  description: '',
  avatar_emoji: '🤖',
  system_prompt: '',
  model: null,
  temperature: null,
  memory: 'facts',
  opening_line: null,
  example_questions: [],
  is_public: false,
}
const emojis = ['🤖', '✍️', '🌐', '💻', '📚', '📊', '🧠', '🎨', '🧑‍🏫', '⚖️', '🍳', '🧭']
const maxQuestions = 8

export function BotForm({ bot, onDone }: { bot: Bot | undefined; onDone: () => void }) {
  const { t } = useTranslation(['chat', 'app'])
  const { message } = App.useApp()
  const models = useModels()
  const canPublish = useCan()('chat.bots.publish') || bot?.is_public
  const save = useSaveBot()
  const [form] = Form.useForm<Fields>()
  const hasTemperature = Form.useWatch('has_temperature', form)
  const { temperature, ...start } = bot ?? fresh

  const submit = ({ has_temperature, temperature: chosen, ...fields }: Fields) =>
    save.mutate(
      {
        ...(bot ? { id: bot.id } : {}),
        ...fields,
        description: fields.description ?? '',
        model: fields.model || null,
        temperature: has_temperature ? chosen : null,
        opening_line: fields.opening_line?.trim() || null,
        example_questions: (fields.example_questions ?? []).map(text => text?.trim() ?? '').filter(Boolean),
      },
      {
        onSuccess: () => {
          message.success(t('app:common.saved'))
          onDone()
        },
        onError: error => showFieldErrors(form, error),
      },
    )

  return (
    <Form
      form={form}
      layout="vertical"
      initialValues={{ ...start, has_temperature: temperature !== null, temperature: temperature ?? 0.7 }}
      onFinish={submit}
    >
      <ErrorAlert error={save.error} />
      <Form.Item
        label={t('bots.emoji')}
        name="avatar_emoji"
        rules={[{ required: true, whitespace: true, message: t('bots.emojiRequired') }]}
      >
        <AutoComplete
          className={style.emojiField}
          maxLength={16}
          options={emojis.map(emoji => ({ value: emoji, label: emoji }))}
        />
      </Form.Item>
      <Form.Item
        label={t('bots.name')}
        name="name"
        rules={[{ required: true, whitespace: true, message: t('bots.nameRequired') }]}
      >
        <Input maxLength={60} autoFocus />
      </Form.Item>
      <Form.Item label={t('bots.description')} name="description">
        <Input maxLength={500} />
      </Form.Item>
      <Form.Item
        label={t('bots.prompt')}
        name="system_prompt"
        extra={t('bots.promptHint')}
        rules={[{ required: true, whitespace: true, message: t('bots.promptRequired') }]}
      >
        <Input.TextArea autoSize={{ minRows: 5, maxRows: 16 }} maxLength={20_000} />
      </Form.Item>
      <Form.Item label={t('bots.model')} name="model">
        <Select
          allowClear
          placeholder={t('bots.modelDefault')}
          options={models.data?.items.map(model => ({ value: model.id, label: model.name })) ?? []}
        />
      </Form.Item>
      <Form.Item
        label={t('bots.temperature')}
        name="has_temperature"
        valuePropName="checked"
        layout="horizontal"
        colon={false}
      >
        <Switch />
      </Form.Item>
      <Form.Item name="temperature" hidden={!hasTemperature} extra={t('bots.temperatureHint')}>
        <Slider min={0} max={2} step={0.1} ariaLabelForHandle={t('bots.temperature')} />
      </Form.Item>
      <Form.Item label={t('bots.memory')} name="memory">
        <Radio.Group
          options={[
            { value: 'facts', label: t('bots.memoryFacts') },
            { value: 'conversation', label: t('bots.memoryConversation') },
            { value: 'none', label: t('bots.memoryNone') },
          ]}
        />
      </Form.Item>
      <Form.Item label={t('bots.opening')} name="opening_line">
        <Input.TextArea autoSize={{ minRows: 2, maxRows: 6 }} maxLength={2_000} />
      </Form.Item>
      <Form.List name="example_questions">
        {(fields, { add, remove }) => (
          <Form.Item label={t('bots.examples')}>
            {fields.map((field, index) => (
              <div key={field.key} className={style.example}>
                <Form.Item name={field.name} noStyle>
                  <Input maxLength={200} aria-label={t('bots.example', { number: index + 1 })} />
                </Form.Item>
                <Button
                  type="text"
                  icon={<MinusCircleOutlined />}
                  aria-label={t('bots.removeExample', { number: index + 1 })}
                  onClick={() => remove(field.name)}
                />
              </div>
            ))}
            {fields.length < maxQuestions && (
              <Button type="dashed" block icon={<PlusOutlined />} onClick={() => add('')}>
                {t('bots.addExample')}
              </Button>
            )}
          </Form.Item>
        )}
      </Form.List>
      {canPublish && (
        <Form.Item
          label={t('bots.publicLabel')}
          name="is_public"
          valuePropName="checked"
          layout="horizontal"
          colon={false}
          extra={t('bots.publicHint')}
        >
          <Switch />
        </Form.Item>
      )}
      <Button type="primary" htmlType="submit" block loading={save.isPending}>
        {t('app:common.save')}
      </Button>
    </Form>
  )
}
