import {
  BulbOutlined,
  DeleteOutlined,
  EditOutlined,
  MenuOutlined,
  MessageOutlined,
  MoreOutlined,
  PlusOutlined,
  RobotOutlined,
} from '@ant-design/icons'
import { App, Button, Dropdown, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useSearchParams } from 'react-router'
import { useBots, useDeleteBot } from '#api/chat.ts'
import { useMe } from '#api/me.ts'
import type { Bot } from '#api/types.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState, useErrorText } from '#ui/error.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { Panel } from '#ui/panel.tsx'
import { useSideColumn } from '#ui/side-column.tsx'
import { ListSkeleton } from '#ui/skeleton.tsx'
import { BotForm } from './bot-form.tsx'
import style from './bots.module.css'

/** All bots that the person may use; `?edit=new` or `?edit=<id>` opens the form beside them. */
export function Component() {
  const { t } = useTranslation('chat')
  const side = useSideColumn()
  const bots = useBots()
  const [search, setSearch] = useSearchParams()
  const edited = search.get('edit')
  const edit = (id: string | null) => setSearch(id ? { edit: id } : {})
  const bot = bots.data?.items.find(each => each.id === edited)
  return (
    <Page
      title={t('bots.title')}
      description={t('bots.text')}
      action={
        <>
          {side.isNarrow && (
            <Button type="text" icon={<MenuOutlined />} aria-label={t('list.open')} onClick={side.open} />
          )}
          <Button type="primary" icon={<PlusOutlined />} onClick={() => edit('new')}>
            {t('bots.create')}
          </Button>
        </>
      }
    >
      <Bots bots={bots} onEdit={edit} />
      <Panel
        isOpen={edited === 'new' || bot !== undefined}
        onClose={() => edit(null)}
        title={bot ? t('bots.editTitle') : t('bots.createTitle')}
      >
        <BotForm key={edited} bot={bot} onDone={() => edit(null)} />
      </Panel>
    </Page>
  )
}

function Bots({ bots, onEdit }: { bots: ReturnType<typeof useBots>; onEdit: (id: string) => void }) {
  const { t } = useTranslation('chat')
  if (bots.isPending) return <ListSkeleton rows={4} />
  if (!bots.data) return <ErrorState error={bots.error} onRetry={() => bots.refetch()} />
  if (bots.data.items.length === 0) {
    return (
      <EmptyState
        icon={<RobotOutlined />}
        title={t('bots.empty')}
        description={t('bots.emptyText')}
        action={
          <Button type="primary" onClick={() => onEdit('new')}>
            {t('bots.create')}
          </Button>
        }
      />
    )
  }
  return (
    <>
      <ul className={style.bots} aria-label={t('bots.title')}>
        {bots.data.items.map(bot => (
          <li key={bot.id}>
            <BotCard bot={bot} onEdit={() => onEdit(bot.id)} />
          </li>
        ))}
      </ul>
      {bots.hasNextPage && (
        <Button loading={bots.isFetchingNextPage} onClick={() => bots.fetchNextPage()}>
          {t('list.more')}
        </Button>
      )}
    </>
  )
}

function BotCard({ bot, onEdit }: { bot: Bot; onEdit: () => void }) {
  const { t } = useTranslation('chat')
  const isOwn = bot.owner_id === useMe().id
  return (
    <article className={style.bot} aria-label={bot.name}>
      <div className={style.emoji} aria-hidden="true">
        {bot.avatar_emoji}
      </div>
      <div className={style.body}>
        <h2 className={style.name} title={bot.name}>
          {bot.name}
        </h2>
        <p className={style.description}>{bot.description || t('bots.noDescription')}</p>
        <div className={style.foot}>
          <LinkButton to={`/chat?bot=${bot.id}`} size="small" icon={<MessageOutlined />}>
            {t('bots.start')}
          </LinkButton>
          {bot.memory === 'facts' && (
            <LinkButton to={`/chat/memories?bot=${bot.id}`} size="small" icon={<BulbOutlined />}>
              {t('memory.title')}
            </LinkButton>
          )}
          {bot.memory === 'none' && <Tag>{t('bots.memoryNone')}</Tag>}
          {bot.is_public && <Tag>{t('bots.public')}</Tag>}
        </div>
      </div>
      {isOwn && <BotMenu bot={bot} onEdit={onEdit} />}
    </article>
  )
}

function BotMenu({ bot, onEdit }: { bot: Bot; onEdit: () => void }) {
  const { t } = useTranslation('chat')
  const errorText = useErrorText()
  const { modal, message } = App.useApp()
  const remove = useDeleteBot()
  const ask = () =>
    modal.confirm({
      title: t('bots.deleteAsk', { name: bot.name }),
      content: t('bots.deleteText'),
      okText: t('bots.delete'),
      okButtonProps: { danger: true },
      onOk: () => remove.mutateAsync(bot.id).catch(error => void message.error(errorText(error))),
    })
  const items = [
    { key: 'edit', icon: <EditOutlined />, label: t('bots.edit') },
    { type: 'divider' as const },
    { key: 'delete', icon: <DeleteOutlined />, label: t('bots.delete'), danger: true },
  ]
  return (
    <Dropdown
      trigger={['click']}
      placement="bottomRight"
      menu={{ items, onClick: ({ key }) => (key === 'edit' ? onEdit() : ask()) }}
    >
      <Button
        type="text"
        size="small"
        icon={<MoreOutlined />}
        aria-label={t('list.menuOf', { title: bot.name })}
      />
    </Dropdown>
  )
}
