import { CustomerServiceOutlined, UploadOutlined } from '@ant-design/icons'
import { Button, Segmented } from 'antd'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { MediaItem } from '#api/device-types.ts'
import { useMedia } from '#api/devices.ts'
import { useCan } from '#api/me.ts'
import { useAddress } from '#ui/address.ts'
import common from '#ui/common.module.css'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { SearchBox } from '#ui/search-box.tsx'
import { MenuButton } from '../menu-button.tsx'
import { Access } from './access.tsx'
import { lengthText } from './length.ts'
import { PiecePanel } from './piece-panel.tsx'
import { UploadDialog } from './upload-dialog.tsx'

const kinds = ['all', 'music', 'dance'] as const

/** Music and dances: to listen to and send to devices, and for operators to fill and keep. */
export function Component() {
  const { t } = useTranslation('devices')
  const address = useAddress()
  const mayManage = useCan()('devices.media.manage')
  const [isUploading, setUploading] = useState(false)
  const upload = mayManage && (
    <Button type="primary" icon={<UploadOutlined />} onClick={() => setUploading(true)}>
      {t('library.upload.open')}
    </Button>
  )
  return (
    <Page
      title={t('library.title')}
      description={t('library.text')}
      action={
        <div className={common.actions}>
          <MenuButton />
          {upload}
        </div>
      }
      filters={<Filters />}
    >
      <Pieces
        empty={
          <EmptyState
            icon={<CustomerServiceOutlined />}
            title={t('library.empty')}
            description={t(mayManage ? 'library.emptyManage' : 'library.emptyText')}
            action={upload}
          />
        }
      />
      <PiecePanel id={address.get('piece')} onClose={() => address.push({ piece: null })} />
      {isUploading && <UploadDialog onClose={() => setUploading(false)} />}
    </Page>
  )
}

function useFilter() {
  const address = useAddress()
  const kind = kinds.find(each => each !== 'all' && each === address.get('kind')) ?? 'all'
  return { kind, q: address.get('q') ?? '', set: address.set }
}

function Filters() {
  const { t } = useTranslation('devices')
  const { kind, q, set } = useFilter()
  return (
    <>
      <Segmented
        aria-label={t('library.show')}
        value={kind}
        onChange={value => set({ kind: value === 'all' ? null : value })}
        options={kinds.map(value => ({ value, label: t(`library.shows.${value}`) }))}
      />
      <SearchBox label={t('library.search')} value={q} onChange={text => set({ q: text })} />
    </>
  )
}

function Pieces({ empty }: { empty: ReactNode }) {
  const { t } = useTranslation('devices')
  const address = useAddress()
  const { kind, q, set } = useFilter()
  const pieces = useMedia({ kind: kind === 'all' ? undefined : kind, q: q || undefined })
  const isFiltered = kind !== 'all' || q !== ''
  return (
    <DataTable
      label={t('library.title')}
      columns={useColumns()}
      rowKey={piece => piece.id}
      pages={pieces}
      onRowClick={piece => address.push({ piece: piece.id })}
      empty={
        isFiltered ? (
          <EmptyState
            icon={<CustomerServiceOutlined />}
            title={t('library.nothing')}
            description={t('library.nothingText')}
            action={<Button onClick={() => set({ kind: null, q: null })}>{t('library.clear')}</Button>}
          />
        ) : (
          empty
        )
      }
    />
  )
}

function useColumns(): Column<MediaItem>[] {
  const { t } = useTranslation('devices')
  return [
    {
      key: 'title',
      title: t('library.name'),
      role: 'title',
      width: '36%',
      render: piece => (
        <>
          <button type="button" className={common.nameButton} title={piece.title}>
            {piece.title}
          </button>
          <span className={`${common.small} ${common.ellipsis}`} title={piece.artist}>
            {piece.artist}
          </span>
        </>
      ),
    },
    { key: 'kind', title: t('library.kind'), width: 90, render: ({ kind }) => t(`library.kinds.${kind}`) },
    {
      key: 'style',
      title: t('library.style'),
      render: ({ style }) => (
        <span className={common.ellipsis} title={style}>
          {style || '–'}
        </span>
      ),
    },
    {
      key: 'length',
      title: t('library.length'),
      width: 90,
      align: 'right',
      render: ({ duration_ms }) => (duration_ms === null ? '–' : lengthText(duration_ms)),
    },
    { key: 'access', title: t('library.access'), width: 150, render: piece => <Access piece={piece} /> },
    { key: 'added', title: t('library.added'), width: 120, render: row => <Time value={row.created_at} /> },
  ]
}
