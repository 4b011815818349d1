import { CheckCircleOutlined, IdcardOutlined } from '@ant-design/icons'
import { Button, Progress, Segmented, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { type CardItem, type Collection, useCollection, useItem, useItems } from '#api/redemptions.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page, Section } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import { RarityTag } from '../rarity.tsx'
import style from './collection.module.css'
import { ItemFacts } from './item-facts.tsx'
import { ItemPicture } from './item-picture.tsx'

export function Component() {
  const { t } = useTranslation('cards')
  const collection = useCollection()
  const isEmpty = collection.data?.items === 0
  const redeem = (
    <LinkButton to="/cards/redeem" type="primary">
      {t('collection.redeem')}
    </LinkButton>
  )
  return (
    <Page
      title={t('collection.title')}
      back="/cards"
      {...(isEmpty ? {} : { action: redeem })}
      {...(collection.data && !isEmpty ? { filters: <Filters collection={collection.data} /> } : {})}
    >
      {collection.isError && !collection.data ? (
        <ErrorState error={collection.error} onRetry={() => collection.refetch()} />
      ) : !collection.data ? (
        <GridSkeleton />
      ) : isEmpty ? (
        <EmptyState
          icon={<IdcardOutlined />}
          title={t('collection.emptyTitle')}
          description={t('collection.emptyText')}
          action={redeem}
        />
      ) : (
        <>
          <Overview collection={collection.data} />
          <Items />
        </>
      )}
      <ItemPanel />
    </Page>
  )
}

function useFilter() {
  const { get } = useAddress()
  return { category: get('category'), rarity: get('rarity'), set_name: get('set') }
}

function Filters({ collection }: { collection: Collection }) {
  const { t, i18n } = useTranslation('cards')
  const address = useAddress()
  const { category = '', rarity = '', set_name = '' } = useFilter()
  const language = i18n.language === 'en' ? 'en' : 'zh-CN'
  return (
    <>
      <Segmented
        className={style.segments ?? ''}
        aria-label={t('collection.category')}
        value={category}
        onChange={value => address.set({ category: value })}
        options={[
          { value: '', label: t('collection.all') },
          ...collection.categories.map(each => ({ value: each.category, label: each.titles[language] })),
        ]}
      />
      <Select
        className={common.filter ?? ''}
        aria-label={t('collection.rarity')}
        value={rarity}
        onChange={value => address.set({ rarity: value })}
        options={[
          { value: '', label: t('collection.anyRarity') },
          ...collection.rarities.map(each => ({ value: each.rarity, label: t(`rarities.${each.rarity}`) })),
        ]}
      />
      {collection.sets.length > 0 && (
        <Select
          className={common.filter ?? ''}
          aria-label={t('collection.set')}
          value={set_name}
          onChange={value => address.set({ set: value })}
          options={[
            { value: '', label: t('collection.anySet') },
            ...collection.sets.map(each => ({ value: each.set_name, label: each.set_name })),
          ]}
        />
      )}
    </>
  )
}

function Overview({ collection }: { collection: Collection }) {
  const { i18n } = useTranslation('cards')
  const language = i18n.language === 'en' ? 'en' : 'zh-CN'
  return (
    <ul className={style.progresses}>
      {collection.categories.map(each => (
        <Completion key={each.category} name={each.titles[language]} {...each} />
      ))}
      {collection.sets.map(each => (
        <Completion key={`set ${each.set_name}`} name={each.set_name} {...each} />
      ))}
    </ul>
  )
}

function Completion({ name, owned, total }: { name: string; owned: number; total: number }) {
  const { t } = useTranslation('cards')
  const format = useFormat()
  const isComplete = owned === total
  return (
    <li className={style.progress}>
      <span className={style.progressName}>
        <span className={style.ellipsis}>{name}</span>
        {isComplete && (
          <CheckCircleOutlined className={style.complete} aria-label={t('collection.complete')} />
        )}
      </span>
      <Progress
        percent={(owned / Math.max(1, total)) * 100}
        showInfo={false}
        size="small"
        aria-label={name}
      />
      <span className={style.progressText}>
        {t('collection.progress', { owned: format.number(owned), total: format.number(total) })}
      </span>
    </li>
  )
}

function Items() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const items = useItems(useFilter())
  if (items.isPending) return <GridSkeleton />
  if (!items.data) return <ErrorState error={items.error} onRetry={() => items.refetch()} />
  if (items.data.items.length === 0)
    return (
      <EmptyState
        title={t('collection.nothingTitle')}
        description={t('collection.nothingText')}
        action={
          <Button onClick={() => address.set({ category: null, rarity: null, set: null })}>
            {t('collection.showAll')}
          </Button>
        }
      />
    )
  return (
    <Section>
      <ul className={style.grid} aria-label={t('collection.title')}>
        {items.data.items.map(item => (
          <ItemTile key={item.id} item={item} />
        ))}
      </ul>
      {items.hasNextPage && (
        <div className={style.more}>
          <Button loading={items.isFetchingNextPage} onClick={() => items.fetchNextPage()}>
            {t('collection.more')}
          </Button>
        </div>
      )}
    </Section>
  )
}

const shownWhileLoading = ['1', '2', '3', '4', '5', '6']

function GridSkeleton() {
  return (
    <div className={style.grid} aria-busy="true">
      {shownWhileLoading.map(key => (
        <div key={key} className={style.placeholder} />
      ))}
    </div>
  )
}

function ItemTile({ item }: { item: CardItem }) {
  const address = useAddress()
  return (
    <li>
      <button type="button" className={style.tile} onClick={() => address.push({ item: item.id })}>
        <ItemPicture item={item} />
        <span className={style.tileText}>
          <span className={style.tileName}>{item.name}</span>
          <RarityTag rarity={item.rarity} />
        </span>
      </button>
    </li>
  )
}

function ItemPanel() {
  const address = useAddress()
  const id = address.get('item')
  const item = useItem(id)
  return (
    <Panel
      title={item.data?.name ?? ''}
      isOpen={id !== undefined}
      onClose={() => address.set({ item: null })}
    >
      {item.isError ? (
        <ErrorState error={item.error} onRetry={() => item.refetch()} />
      ) : !item.data ? (
        <FormSkeleton />
      ) : (
        <>
          <div className={style.panelPicture}>
            <ItemPicture item={item.data} />
          </div>
          <p>
            <RarityTag rarity={item.data.rarity} />
          </p>
          {item.data.description && <p className={style.description}>{item.data.description}</p>}
          <ItemFacts item={item.data} />
        </>
      )}
    </Panel>
  )
}
