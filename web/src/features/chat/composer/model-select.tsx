import { Select, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useModels } from '#api/chat.ts'
import type { Model } from '#api/types.ts'
import style from './composer.module.css'

/** `null` is the default model. */
export function ModelSelect({
  value,
  onChange,
  className,
}: {
  value: string | null
  onChange: (model: string) => void
  className?: string | undefined
}) {
  const { t } = useTranslation('chat')
  const models = useModels()
  const items = models.data?.items ?? []
  const chosen = value ?? items.find(model => model.is_default)?.id ?? items[0]?.id
  if (items.length === 0 && !models.isPending) return null
  return (
    <Select
      className={className}
      aria-label={t('composer.model')}
      variant="filled"
      size="small"
      loading={models.isPending}
      value={chosen}
      onChange={onChange}
      showSearch={items.length > 8 && { optionFilterProp: 'title' }}
      popupMatchSelectWidth={false}
      placement="topLeft"
      options={items.map(model => ({ value: model.id, title: model.name, label: model.name, model }))}
      optionRender={option => <ModelOption model={option.data.model} />}
    />
  )
}

function ModelOption({ model }: { model: Model }) {
  const { t } = useTranslation('chat')
  const { vision, reasoning } = model.capabilities
  return (
    <span className={style.modelOption}>
      <span className={style.fileName}>{model.name}</span>
      {vision && <Tag>{t('composer.vision')}</Tag>}
      {reasoning && <Tag>{t('composer.reasoning')}</Tag>}
    </span>
  )
}
