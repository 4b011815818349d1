import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { CardTemplate } from '#api/cards.ts'

export const templateStates = ['draft', 'published', 'archived'] as const
const looks = { draft: 'default', published: 'success', archived: 'warning' }

export function TemplateStateTag({ state }: { state: CardTemplate['state'] }) {
  const { t } = useTranslation('cards')
  return <Tag color={looks[state]}>{t(`templates.states.${state}`)}</Tag>
}
