import { BulbOutlined, FileTextOutlined, OrderedListOutlined, TagsOutlined } from '@ant-design/icons'
import { Alert, Skeleton } from 'antd'
import { useTranslation } from 'react-i18next'
import { useModels } from '#api/chat.ts'
import { useMe } from '#api/me.ts'
import type { Bot } from '#api/types.ts'
import { LinkButton } from '#ui/link-button.tsx'
import { Mark } from '#ui/mark.tsx'
import style from './chat.module.css'

const samples = [
  { name: 'summary', icon: <FileTextOutlined /> },
  { name: 'keywords', icon: <TagsOutlined /> },
  { name: 'outline', icon: <OrderedListOutlined /> },
  { name: 'minutes', icon: <BulbOutlined /> },
] as const

/** Before the first question: what this is, and four that can be tried, also without any model. */
export function Welcome({ bot, onAsk }: { bot: Bot | undefined; onAsk: (content: string) => void }) {
  const { t } = useTranslation('chat')
  if (bot) return <BotWelcome bot={bot} onAsk={onAsk} />
  return (
    <div className={style.welcome}>
      <div className={style.welcomeMark}>
        <Mark size={40} />
      </div>
      <h2 className={style.welcomeTitle}>{t('welcome.title')}</h2>
      <p className={style.welcomeText}>{t('welcome.text')}</p>
      <OfflineNotice />
      <ul className={style.samples} aria-label={t('welcome.samples')}>
        {samples.map(({ name, icon }) => (
          <li key={name}>
            <button type="button" className={style.sample} onClick={() => onAsk(t(`welcome.${name}.prompt`))}>
              <span className={style.sampleIcon} aria-hidden="true">
                {icon}
              </span>
              <span className={style.sampleText}>
                <strong>{t(`welcome.${name}.title`)}</strong>
                <span>{t(`welcome.${name}.text`)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

function BotWelcome({ bot, onAsk }: { bot: Bot; onAsk: (content: string) => void }) {
  const { t } = useTranslation('chat')
  return (
    <div className={style.welcome}>
      <div className={style.botEmoji} aria-hidden="true">
        {bot.avatar_emoji}
      </div>
      <h2 className={style.welcomeTitle}>{bot.name}</h2>
      {bot.description && <p className={style.welcomeText}>{bot.description}</p>}
      {bot.opening_line && <p className={style.opening}>{bot.opening_line}</p>}
      <ul className={style.samples} aria-label={t('welcome.samples')}>
        {bot.example_questions.map(question => (
          <li key={question}>
            <button type="button" className={style.sample} onClick={() => onAsk(question)}>
              <span className={style.sampleText}>{question}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Says honestly that no model is there, and who can change that. */
function OfflineNotice() {
  const { t } = useTranslation('chat')
  const models = useModels()
  const isAdmin = useMe().permissions.some(permission => permission.startsWith('admin.'))
  if (models.isPending) return <Skeleton.Node active className={style.noticePlace} />
  const items = models.data?.items
  if (!items?.every(model => model.provider === 'offline' || model.id === 'offline')) return null
  return (
    <Alert
      type="info"
      showIcon
      className={style.notice}
      title={t('welcome.offline.title')}
      description={
        <>
          <p className={style.noticeText}>
            {isAdmin ? t('welcome.offline.forAdmin') : t('welcome.offline.forOthers')}
          </p>
          {isAdmin && (
            <LinkButton to="/admin/setup" size="small" type="primary">
              {t('welcome.offline.setUp')}
            </LinkButton>
          )}
        </>
      }
    />
  )
}
