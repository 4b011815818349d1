import { CloseOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useEffect, useEffectEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'react-router'
import style from './achievements.module.css'
import type { Shown } from './unlock-listener.tsx'

/** Long enough to read it, and it stays while one points at it. */
const shownFor_ms = 8_000

export default function UnlockToasts({
  shown,
  onClose,
}: {
  shown: readonly Shown[]
  onClose: (key: string) => void
}) {
  const { t } = useTranslation('achievements')
  return (
    <section className={style.toasts} aria-label={t('toast.region')} aria-live="polite">
      {shown.map(news => (
        <Toast key={news.key} news={news} onClose={() => onClose(news.key)} />
      ))}
    </section>
  )
}

function Toast({ news, onClose }: { news: Shown; onClose: () => void }) {
  const { t, i18n } = useTranslation(['achievements', 'app'])
  const [isHeld, setHeld] = useState(false)
  const close = useEffectEvent(onClose)
  useEffect(() => {
    if (isHeld) return
    const timer = setTimeout(() => close(), shownFor_ms)
    return () => clearTimeout(timer)
  }, [isHeld])
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing at it or standing in it only keeps it there.
    <div
      className={style.toast}
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <div className={style.medal} data-tier={news.tier} aria-hidden="true">
        {news.icon}
      </div>
      <div className={style.toastText}>
        <span className={style.toastTitle}>{t('toast.title')}</span>
        <Link to="/achievements" onClick={onClose} title={t('toast.open')}>
          {news.names[i18n.language === 'en' ? 'en' : 'zh-CN']}
        </Link>
        <span className={style.toastTitle}>
          {t(`tiers.${news.tier}`)} · {t('toast.points', { points: news.points })}
        </span>
      </div>
      <Button type="text" icon={<CloseOutlined />} aria-label={t('app:common.close')} onClick={onClose} />
    </div>
  )
}
