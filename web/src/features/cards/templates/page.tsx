import { IdcardOutlined, PictureOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { type CardTemplate, cardFilePath, useCardCategories, useTemplates } from '#api/cards.ts'
import { address as urlOf } from '#api/client.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { SearchBox } from '#ui/search-box.tsx'
import style from '../cards.module.css'
import { RarityTag, rarities } from '../rarity.tsx'
import { TemplatePanel } from './template-panel.tsx'
import { TemplateStateTag, templateStates } from './template-state.tsx'
import { useTextOf } from './text-of.ts'

const filterNames = ['category', 'rarity', 'state', 'q'] as const

export function Component() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const filter = Object.fromEntries(
    filterNames.flatMap(name => {
      const value = address.get(name)
      return value ? [[name, value]] : []
    }),
  )
  const templates = useTemplates(filter)
  const add = () => address.push({ template: 'new' })
  const isFiltered = Object.keys(filter).length > 0
  return (
    <Page
      title={t('templates.title')}
      description={t('templates.text')}
      back="/cards"
      width="wide"
      action={
        <Button type="primary" icon={<PlusOutlined />} onClick={add}>
          {t('templates.add')}
        </Button>
      }
      filters={<Filters />}
    >
      <DataTable
        label={t('templates.title')}
        columns={useColumns()}
        rowKey={template => template.id}
        pages={templates}
        onRowClick={template => address.push({ template: template.id })}
        empty={
          isFiltered ? (
            <EmptyState icon={<IdcardOutlined />} title={t('templates.nothingTitle')} />
          ) : (
            <EmptyState
              icon={<IdcardOutlined />}
              title={t('templates.emptyTitle')}
              description={t('templates.emptyText')}
              action={
                <Button type="primary" onClick={add}>
                  {t('templates.add')}
                </Button>
              }
            />
          )
        }
      />
      <TemplatePanel id={address.get('template')} onClose={() => address.push({ template: null })} />
    </Page>
  )
}

function Filters() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const textOf = useTextOf()
  const categories = useCardCategories()
  return (
    <>
      <SearchBox
        label={t('templates.search')}
        value={address.get('q') ?? ''}
        onChange={q => address.set({ q })}
      />
      <Select
        className={common.filter ?? ''}
        aria-label={t('templates.category')}
        value={address.get('category') ?? ''}
        onChange={category => address.set({ category })}
        options={[
          { value: '', label: t('templates.anyCategory') },
          ...(categories.data?.items.map(({ name, titles }) => ({ value: name, label: textOf(titles) })) ??
            []),
        ]}
      />
      <Select
        className={common.filter ?? ''}
        aria-label={t('templates.rarity')}
        value={address.get('rarity') ?? ''}
        onChange={rarity => address.set({ rarity })}
        options={[
          { value: '', label: t('templates.anyRarity') },
          ...rarities.map(rarity => ({ value: rarity, label: t(`rarities.${rarity}`) })),
        ]}
      />
      <Select
        className={common.filter ?? ''}
        aria-label={t('templates.state')}
        value={address.get('state') ?? ''}
        onChange={state => address.set({ state })}
        options={[
          { value: '', label: t('templates.anyState') },
          ...templateStates.map(state => ({ value: state, label: t(`templates.states.${state}`) })),
        ]}
      />
    </>
  )
}

function useColumns(): Column<CardTemplate>[] {
  const { t } = useTranslation('cards')
  const textOf = useTextOf()
  const categories = useCardCategories()
  const titles = new Map(categories.data?.items.map(category => [category.name, category.titles]))
  return [
    {
      key: 'name',
      title: t('templates.name'),
      role: 'title',
      width: '32%',
      render: template => (
        <span className={style.named}>
          <Cover id={template.images[0]} />
          <span>
            <button type="button" className={common.nameButton} title={template.name}>
              {template.name}
            </button>
            {template.set_name && <span className={common.small}>{template.set_name}</span>}
          </span>
        </span>
      ),
    },
    {
      key: 'category',
      title: t('templates.category'),
      render: ({ category }) => {
        const known = titles.get(category)
        return known ? textOf(known) : category
      },
    },
    { key: 'rarity', title: t('templates.rarity'), render: ({ rarity }) => <RarityTag rarity={rarity} /> },
    { key: 'state', title: t('templates.state'), render: ({ state }) => <TemplateStateTag state={state} /> },
    {
      key: 'version',
      title: t('templates.version'),
      width: 110,
      render: ({ version }) => t('templates.versionNumber', { version }),
    },
    {
      key: 'updated',
      title: t('templates.updated'),
      width: 140,
      render: row => <Time value={row.updated_at} />,
    },
  ]
}

function Cover({ id }: { id: string | undefined }) {
  return (
    <span className={style.cover} aria-hidden="true">
      {id ? <img src={urlOf(cardFilePath(id))} alt="" loading="lazy" /> : <PictureOutlined />}
    </span>
  )
}
