import { useTranslation } from 'react-i18next'
import type { Device, HistoryEntry } from '#api/device-types.ts'
import { useDeviceHistory } from '#api/devices.ts'
import type { PagesResult } from '#api/query.ts'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { Time } from '#ui/format.tsx'

export function HistoryTab({ device }: { device: Device }) {
  return <HistoryTable pages={useDeviceHistory(device.id)} />
}

export function HistoryTable({ pages }: { pages: PagesResult<HistoryEntry> }) {
  const { t } = useTranslation('devices')
  const columns: Column<HistoryEntry>[] = [
    {
      key: 'what',
      title: t('history.what'),
      role: 'title',
      render: entry =>
        t(`history.${entry.kind}`, {
          name: entry.user?.display_name ?? t('history.someone'),
          other: entry.other_user?.display_name ?? t('history.someone'),
        }),
    },
    {
      key: 'when',
      title: t('history.when'),
      width: 180,
      render: entry => <Time value={entry.created_at} style="dateTime" />,
    },
  ]
  return (
    <DataTable
      label={t('device.tabs.history')}
      columns={columns}
      rowKey={entry => entry.id}
      pages={pages}
      empty={<EmptyState title={t('history.empty')} />}
    />
  )
}
