import { useTranslation } from 'react-i18next'
import { type AttributeNode, useCardCategories } from '#api/cards.ts'
import { address } from '#api/client.ts'
import type { CardItem } from '#api/redemptions.ts'
import { Facts } from '#ui/facts.tsx'
import { Time } from '#ui/format.tsx'
import { useTextOf } from '../templates/text-of.ts'

/** What a card says, by the names that its category gives. */
export function ItemFacts({ item }: { item: CardItem }) {
  const { t } = useTranslation('cards')
  const textOf = useTextOf()
  const categories = useCardCategories()
  const category = categories.data?.items.find(each => each.name === item.category)
  const properties = category?.schema.properties ?? {}
  const attributes = Object.entries(item.attributes)
    .filter(([name]) => properties[name]?.format !== 'image')
    .map(([name, value]) => {
      const property = properties[name]
      const titles = property?.['x-titles']
      const label = titles ? textOf(titles) : name
      return [label, <AttributeValue key={name} value={value} property={property} />] as const
    })
  const { membership, points } = item.rewards
  const rewards = [
    ...(membership ? [t('redeem.rewards.membership', membership)] : []),
    ...(points ? [t('redeem.rewards.points', { points })] : []),
  ]
  return (
    <Facts
      items={[
        [t('collection.category'), category && textOf(category.titles)],
        [t('collection.set'), item.set_name],
        ...attributes,
        [t('templates.rewards'), rewards.join(' · ')],
        [t('redeem.acquired'), <Time key="acquired" value={item.acquired_at} style="dateTime" />],
      ]}
    />
  )
}

function AttributeValue({ value, property }: { value: unknown; property: AttributeNode | undefined }) {
  const { t } = useTranslation('cards')
  const textOf = useTextOf()
  if (property?.format === 'audio' && typeof value === 'string')
    // biome-ignore lint/a11y/useMediaCaption: what operators upload has no captions.
    return <audio controls preload="none" src={address(`/cards/files/${value}/content`)} />
  if (typeof value === 'boolean') return t(value ? 'templates.yes' : 'templates.no')
  const words = (Array.isArray(value) ? value : [value]).map(each => {
    const texts = property?.['x-enum-titles']?.[String(each)]
    return texts ? textOf(texts) : String(each)
  })
  return words.join(' · ')
}
