import { AppstoreOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { type CardCategory, useCardCategories } from '#api/cards.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Page } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import { useTextOf } from '../templates/text-of.ts'
import { CategoryForm } from './category-form.tsx'

export function Component() {
  const { t } = useTranslation('cards')
  const address = useAddress()
  const textOf = useTextOf()
  const categories = useCardCategories()
  const openName = address.get('category')
  const open = categories.data?.items.find(({ name }) => name === openName)
  const close = () => address.push({ category: null })
  const add = () => address.push({ category: 'new' })
  const columns = useColumns()
  return (
    <Page
      title={t('categories.title')}
      description={t('categories.text')}
      back="/cards"
      action={
        <Button type="primary" icon={<PlusOutlined />} onClick={add}>
          {t('categories.add')}
        </Button>
      }
    >
      <DataTable
        label={t('categories.title')}
        columns={columns}
        rowKey={category => category.name}
        pages={categories}
        onRowClick={category => address.push({ category: category.name })}
        empty={<EmptyState icon={<AppstoreOutlined />} title={t('categories.title')} />}
      />
      <Panel
        isOpen={openName === 'new' || open !== undefined}
        onClose={close}
        title={open ? textOf(open.titles) : t('categories.add')}
      >
        <CategoryForm key={openName ?? ''} category={open} onClose={close} />
      </Panel>
    </Page>
  )
}

function useColumns(): Column<CardCategory>[] {
  const { t } = useTranslation('cards')
  const textOf = useTextOf()
  return [
    {
      key: 'title',
      title: t('templates.category'),
      role: 'title',
      render: category => (
        <button type="button" className={common.nameButton}>
          {textOf(category.titles)}
        </button>
      ),
    },
    { key: 'name', title: t('categories.name'), render: ({ name }) => <code>{name}</code> },
    {
      key: 'attributes',
      title: t('categories.attributes'),
      render: ({ schema }) => t('categories.count', { count: Object.keys(schema.properties ?? {}).length }),
    },
    {
      key: 'builtin',
      title: '',
      role: 'actions',
      align: 'right',
      render: ({ is_builtin }) => is_builtin && <Tag>{t('categories.builtin')}</Tag>,
    },
  ]
}
