import { CheckOutlined, LockOutlined, QuestionOutlined } from '@ant-design/icons'
import { Progress, Tag, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import type { AchievementProgress, Condition, ProgressTier } from '#api/achievements.ts'
import { useFormat } from '#ui/format.tsx'
import style from './achievements.module.css'

/** One achievement: what it is, its tiers, and how far the next one is. */
export function AchievementCard({ item }: { item: AchievementProgress }) {
  const { t } = useTranslation('achievements')
  if (item.is_secret) return <SecretCard />
  const highest = item.tiers.findLast(tier => tier.unlocked_at !== null)
  const next = item.tiers.find(tier => tier.unlocked_at === null)
  return (
    <article className={style.card} data-unlocked={highest !== undefined}>
      <div className={style.medal} data-tier={highest?.tier} aria-hidden="true">
        {item.icon}
      </div>
      <div className={style.body}>
        <h2 className={style.name}>
          {item.name}
          {item.is_hidden && <Tag>{t('mine.hidden')}</Tag>}
        </h2>
        <p className={style.description}>{item.description}</p>
        <ul className={style.tiers}>
          {item.tiers.map(tier => (
            <TierMark key={tier.tier} tier={tier} />
          ))}
        </ul>
        <div className={style.next}>
          {next ? (
            <Next item={item} tier={next} />
          ) : (
            <span className={style.complete}>
              <CheckOutlined aria-hidden="true" /> {t('mine.complete')}
            </span>
          )}
        </div>
      </div>
    </article>
  )
}

function SecretCard() {
  const { t } = useTranslation('achievements')
  return (
    <article className={style.card} data-secret>
      <div className={style.medal} aria-hidden="true">
        <QuestionOutlined />
      </div>
      <div className={style.body}>
        <h2 className={style.name}>{t('mine.secret')}</h2>
        <p className={style.description}>{t('mine.secretText')}</p>
      </div>
    </article>
  )
}

function TierMark({ tier }: { tier: ProgressTier }) {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  const name = t(`tiers.${tier.tier}`)
  const points = format.number(tier.points)
  const { membership } = tier.rewards
  const texts = [
    tier.unlocked_at === null
      ? t('mine.tierGoal', { tier: name, points })
      : t('mine.unlockedAt', { tier: name, points, date: format.date(tier.unlocked_at) }),
    membership && t('mine.membership', membership),
    tier.holders_percent !== null &&
      t('mine.holders', { percent: format.percent(tier.holders_percent / 100) }),
  ].filter(Boolean)
  return (
    <li>
      <Tooltip title={texts.map(text => <div key={String(text)}>{text}</div>)}>
        <span
          className={style.tier}
          data-tier={tier.tier}
          data-unlocked={tier.unlocked_at !== null}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what it tells must be reachable by keyboard.
          tabIndex={0}
        >
          {tier.unlocked_at === null ? (
            <LockOutlined aria-hidden="true" />
          ) : (
            <CheckOutlined aria-hidden="true" />
          )}
          {name}
        </span>
      </Tooltip>
    </li>
  )
}

function Next({ item, tier }: { item: AchievementProgress; tier: ProgressTier }) {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  const standing = useStandingText()
  return (
    <>
      <span className={style.nextLine}>
        <span>{t('mine.next', { tier: t(`tiers.${tier.tier}`) })}</span>
        <span className="numbers">
          {item.conditions.length === 1 && item.conditions[0]
            ? standing(item.conditions[0].condition, item.conditions[0].value, tier.goals[0] ?? 1)
            : format.percent(tier.fraction)}
        </span>
      </span>
      <Progress
        percent={Math.floor(tier.fraction * 100)}
        showInfo={false}
        size="small"
        aria-label={t('mine.progress', { name: item.name })}
      />
    </>
  )
}

/** How far one condition is, in its own measure. */
function useStandingText() {
  const { t } = useTranslation('achievements')
  const format = useFormat()
  const short = (value: number) => (value < 10_000 ? format.number(value) : format.compact(value))
  return (condition: Condition, value: number, goal: number): string => {
    if (condition.type === 'first' || condition.type === 'top')
      return value > 0
        ? t('mine.placeNow', { value: short(value), goal: short(goal) })
        : t('mine.place', { goal: short(goal) })
    if (condition.type === 'prerequisite') return t('mine.prerequisite')
    const numbers = { value: short(Math.min(value, goal)), goal: short(goal) }
    return t(condition.type === 'set' ? 'mine.percent' : 'mine.value', numbers)
  }
}
