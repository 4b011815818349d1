import { BulbOutlined, DeleteOutlined, DownloadOutlined, MenuOutlined } from '@ant-design/icons'
import { App, Button, Select, Space, Switch, Tag } from 'antd'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'react-router'
import {
  useBots,
  useDeleteMemories,
  useDeleteMemory,
  useMemories,
  useMemorySettings,
  useSaveMemorySettings,
} from '#api/chat.ts'
import { address } from '#api/client.ts'
import type { Memory } from '#api/types.ts'
import { type Column, DataTable } from '#ui/data-table.tsx'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, useErrorText } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { Page } from '#ui/page.tsx'
import { SearchBox } from '#ui/search-box.tsx'
import { useSideColumn } from '#ui/side-column.tsx'
import { startDownload } from '../list/use-conversation-actions.tsx'
import style from './memory.module.css'
import { SourceButton } from './source-button.tsx'

/** What bots remember; `?bot=` of one (`none`: of talks without one), `?q=`, `?history=1` with what was superseded. */
export function Component() {
  const { t } = useTranslation('chat')
  const side = useSideColumn()
  return (
    <Page
      title={t('memory.title')}
      description={t('memory.text')}
      action={
        side.isNarrow && (
          <Button type="text" icon={<MenuOutlined />} aria-label={t('list.open')} onClick={side.open} />
        )
      }
      filters={<Filters />}
    >
      <Allowed />
      <Memories />
    </Page>
  )
}

function useFilter() {
  const [search, setSearch] = useSearchParams()
  const set = (name: string, value: string | null) =>
    setSearch(
      before => {
        const next = new URLSearchParams(before)
        if (value) next.set(name, value)
        else next.delete(name)
        return next
      },
      { replace: true },
    )
  const bot = search.get('bot')
  return { bot, q: search.get('q') ?? '', hasHistory: search.get('history') === '1', set }
}

function Filters() {
  const { t } = useTranslation('chat')
  const { bot, q, hasHistory, set } = useFilter()
  const bots = useBots()
  const historyId = useId()
  return (
    <>
      <SearchBox label={t('memory.search')} value={q} onChange={value => set('q', value)} />
      <Select
        className={style.bot ?? ''}
        aria-label={t('memory.bot')}
        value={bot ?? ''}
        onChange={value => set('bot', value)}
        popupMatchSelectWidth={false}
        options={[
          { value: '', label: t('memory.allBots') },
          { value: 'none', label: t('memory.withoutBot') },
          ...(bots.data?.items ?? []).map(each => ({
            value: each.id,
            label: `${each.avatar_emoji} ${each.name}`,
          })),
        ]}
      />
      <label className={style.toggle} htmlFor={historyId}>
        <Switch
          id={historyId}
          size="small"
          checked={hasHistory}
          onChange={isOn => set('history', isOn ? '1' : null)}
        />
        {t('memory.history')}
      </label>
      <Space className={style.actions ?? ''}>
        <Button icon={<DownloadOutlined />} onClick={() => startDownload(address('/chat/memories/export'))}>
          {t('memory.export')}
        </Button>
        <ForgetAll />
      </Space>
    </>
  )
}

/** The user's own switch, over all bots. */
function Allowed() {
  const { t } = useTranslation('chat')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const settings = useMemorySettings()
  const save = useSaveMemorySettings()
  const id = useId()
  if (settings.isError) return <ErrorAlert error={settings.error} />
  return (
    <label className={style.allowed} htmlFor={id}>
      <Switch
        id={id}
        checked={save.isPending ? save.variables.is_enabled : (settings.data?.is_enabled ?? true)}
        disabled={!settings.data}
        loading={save.isPending}
        onChange={is_enabled =>
          save.mutate({ is_enabled }, { onError: error => void message.error(errorText(error)) })
        }
      />
      <span>
        <span className={style.allowedTitle}>{t('memory.allowed')}</span>
        <span className={style.hint}>{t('memory.allowedHint')}</span>
      </span>
    </label>
  )
}

function Memories() {
  const { t } = useTranslation('chat')
  const { bot, q, hasHistory } = useFilter()
  const memories = useMemories({ bot_id: bot, q, is_current: !hasHistory })
  const bots = useBots()
  const nameOf = (id: string | null) => {
    const found = bots.data?.items.find(each => each.id === id)
    return found ? `${found.avatar_emoji} ${found.name}` : t('memory.withoutBot')
  }
  const columns: Column<Memory>[] = [
    {
      key: 'content',
      title: t('memory.content'),
      role: 'title',
      render: memory => (
        <span className={style.content}>
          <span className={memory.superseded_at ? style.outdated : undefined}>{memory.content}</span>
          {memory.superseded_at && <Tag>{t('memory.superseded')}</Tag>}
        </span>
      ),
    },
    { key: 'bot', title: t('memory.bot'), width: 160, render: memory => nameOf(memory.bot_id) },
    {
      key: 'since',
      title: t('memory.since'),
      width: 130,
      render: memory => <Time value={memory.created_at} />,
    },
    {
      key: 'actions',
      title: '',
      width: 150,
      align: 'right',
      role: 'actions',
      render: memory => (
        <Space size={4}>
          <SourceButton memory={memory} />
          <Forget memory={memory} />
        </Space>
      ),
    },
  ]
  return (
    <DataTable
      label={t('memory.title')}
      columns={columns}
      rowKey={memory => memory.id}
      pages={memories}
      empty={
        q || bot ? (
          <EmptyState icon={<BulbOutlined />} title={t('memory.nothing')} />
        ) : (
          <EmptyState icon={<BulbOutlined />} title={t('memory.empty')} description={t('memory.emptyText')} />
        )
      }
    />
  )
}

function Forget({ memory }: { memory: Memory }) {
  const { t } = useTranslation('chat')
  const { modal, message } = App.useApp()
  const errorText = useErrorText()
  const remove = useDeleteMemory()
  const ask = () =>
    modal.confirm({
      title: t('memory.forgetAsk'),
      content: t('memory.forgetText', { content: memory.content }),
      okText: t('memory.forget'),
      okButtonProps: { danger: true },
      onOk: () => remove.mutateAsync(memory.id).catch(error => void message.error(errorText(error))),
    })
  return (
    <Button
      type="text"
      size="small"
      danger
      icon={<DeleteOutlined />}
      aria-label={t('memory.forgetName', { content: memory.content })}
      title={t('memory.forget')}
      onClick={ask}
    />
  )
}

function ForgetAll() {
  const { t } = useTranslation('chat')
  const { modal, message } = App.useApp()
  const errorText = useErrorText()
  const { bot } = useFilter()
  const remove = useDeleteMemories()
  const ask = () =>
    modal.confirm({
      title: bot ? t('memory.forgetBotAsk') : t('memory.forgetAllAsk'),
      content: t('memory.forgetAllText'),
      okText: t('memory.forgetAll'),
      okButtonProps: { danger: true },
      onOk: () =>
        remove.mutateAsync(bot).then(
          () => void message.success(t('memory.forgotten')),
          error => void message.error(errorText(error)),
        ),
    })
  return (
    <Button danger icon={<DeleteOutlined />} loading={remove.isPending} onClick={ask}>
      {t('memory.forgetAll')}
    </Button>
  )
}
