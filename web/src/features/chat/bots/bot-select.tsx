import { Select } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Bot } from '#api/types.ts'
import style from '../composer/composer.module.css'

export function BotSelect({
  bots,
  value,
  onChange,
}: {
  bots: readonly Bot[]
  value: string | null
  onChange: (id: string | null) => void
}) {
  const { t } = useTranslation('chat')
  if (bots.length === 0) return null
  return (
    <Select
      className={style.model}
      aria-label={t('composer.bot')}
      variant="filled"
      size="small"
      value={value ?? ''}
      onChange={id => onChange(id || null)}
      showSearch={bots.length > 8 && { optionFilterProp: 'label' }}
      popupMatchSelectWidth={false}
      placement="topLeft"
      options={[
        { value: '', label: t('composer.noBot') },
        ...bots.map(bot => ({ value: bot.id, label: `${bot.avatar_emoji} ${bot.name}` })),
      ]}
    />
  )
}
