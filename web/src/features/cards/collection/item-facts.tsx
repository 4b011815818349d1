import { useTranslation } from 'react-i18next'
import { useCardCategories } from '#api/cards.ts'
import { address } from '#api/client.ts'
import type { CardItem } from '#api/redemptions.ts'
import { Facts } from '#ui/facts.tsx'
import { Time } from '#ui/format.tsx'
import { useTextOf } from '../templates/text-of.ts'
import { attributeText, inOrder, labelOf } from './attribute-text.ts'

/** What a card says, by the names that its category gives. */
export function ItemFacts({ item }: { item: CardItem }) {
  const { t } = useTranslation('cards')
  const textOf = useTextOf()
  const categories = useCardCategories()
  const category = categories.data?.items.find(each => each.name === item.category)
  const words = { textOf, yes: t('templates.yes'), no: t('templates.no') }
  const attributes = inOrder(item.attributes, category?.schema)
    .filter(({ node }) => node?.format !== 'image')
    .map(({ name, value, node }) => {
      const isSound = node?.format === 'audio' && typeof value === 'string'
      return [
        labelOf(name, node, words),
        isSound ? <Sound key={name} id={value} /> : attributeText(value, node, words),
      ] as const
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

function Sound({ id }: { id: string }) {
  // biome-ignore lint/a11y/useMediaCaption: what operators upload has no captions.
  return <audio controls preload="none" src={address(`/cards/files/${id}/content`)} />
}
