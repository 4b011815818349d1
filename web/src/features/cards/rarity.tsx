import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Rarity } from '#api/cards.ts'

export const rarities: readonly Rarity[] = ['common', 'uncommon', 'rare', 'epic', 'legendary']
const looks: Record<Rarity, string> = {
  common: 'default',
  uncommon: 'success',
  rare: 'blue',
  epic: 'purple',
  legendary: 'warning',
}

export function RarityTag({ rarity }: { rarity: Rarity }) {
  const { t } = useTranslation('cards')
  return <Tag color={looks[rarity]}>{t(`rarities.${rarity}`)}</Tag>
}
