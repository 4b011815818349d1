import { App, Button, Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import type { MediaItem } from '#api/device-types.ts'
import { useChangeMedia } from '#api/devices.ts'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import { CardField, useMayChooseCards } from './card-field.tsx'
import { lengthOf, lengthText } from './length.ts'

type Fields = {
  title: string
  artist: string
  style: string
  length: string
  description: string
  template_id?: string
}

/** What operators say of a piece. */
export function PieceForm({ piece }: { piece: MediaItem }) {
  const { t } = useTranslation('devices')
  const { message } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const mayChooseCards = useMayChooseCards()
  const change = useChangeMedia(piece.id)
  const length = piece.duration_ms === null ? '' : lengthText(piece.duration_ms)
  const submit = ({ length: typed, template_id, ...fields }: Fields) => {
    const duration_ms = lengthOf(typed)
    change.mutate(
      {
        ...fields,
        title: fields.title.trim(),
        // The text is in whole seconds: what nobody changed stays exact.
        ...(typed === length || duration_ms === undefined ? {} : { duration_ms }),
        ...(mayChooseCards ? { template_id: template_id ?? null } : {}),
      },
      {
        onSuccess: () => void message.success(t('device.saved')),
        onError: error => showFieldErrors(form, error),
      },
    )
  }
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={submit}
      initialValues={{ ...piece, template_id: piece.template_id ?? undefined, length }}
    >
      <ErrorAlert error={change.error} />
      <Form.Item
        label={t('library.name')}
        name="title"
        rules={[{ required: true, whitespace: true, message: t('library.titleRequired') }]}
      >
        <Input maxLength={200} />
      </Form.Item>
      <Form.Item label={t('library.artist')} name="artist">
        <Input maxLength={200} />
      </Form.Item>
      <Form.Item label={t('library.style')} name="style">
        <Input maxLength={100} />
      </Form.Item>
      <Form.Item
        label={t('library.length')}
        name="length"
        extra={t('library.lengthHint')}
        rules={[
          {
            validator: (_, text: string) =>
              lengthOf(text) === undefined
                ? Promise.reject(new Error(t('library.lengthBroken')))
                : Promise.resolve(),
          },
        ]}
      >
        <Input maxLength={10} />
      </Form.Item>
      <Form.Item label={t('library.description')} name="description">
        <Input.TextArea maxLength={2000} autoSize={{ minRows: 2, maxRows: 8 }} />
      </Form.Item>
      {mayChooseCards && (
        <Form.Item label={t('library.card')} name="template_id" extra={t('library.cardHint')}>
          <CardField />
        </Form.Item>
      )}
      <Button type="primary" htmlType="submit" loading={change.isPending}>
        {t('device.save')}
      </Button>
    </Form>
  )
}
