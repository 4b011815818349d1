import { useRegisterSW } from 'virtual:pwa-register/react'
import { Button } from 'antd'
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { useRealtimeState } from '#api/live.ts'
import style from './shell.module.css'

const checkForNewVersionEvery = 60 * 60_000
/** A short break repairs itself; only a longer one is worth a line. */
const showInterruptionAfter = 4_000

/** Lines over the page that appear only when something is not as usual. */
export function StatusBars() {
  const { t } = useTranslation('app')
  const isOnline = useSyncExternalStore(onNetwork, () => navigator.onLine)
  const live = useRealtimeState()
  const isInterrupted = useLasting(live === 'reconnecting', showInterruptionAfter)
  const version = useNewVersion()
  return (
    <div role="status">
      {!isOnline && <Bar tone="warning">{t('status.offline')}</Bar>}
      {isOnline && isInterrupted && <Bar tone="warning">{t('status.reconnecting')}</Bar>}
      {isOnline && live === 'down' && <Bar tone="warning">{t('status.down')}</Bar>}
      {version.isNew && (
        <Bar tone="news">
          <span>{t('status.newVersion')}</span>
          <Button size="small" type="primary" onClick={version.load}>
            {t('status.reload')}
          </Button>
          <Button size="small" type="text" onClick={version.later}>
            {t('status.later')}
          </Button>
        </Bar>
      )}
    </div>
  )
}

function Bar({ tone, children }: { tone: 'warning' | 'news'; children: ReactNode }) {
  return (
    <div className={style.statusBar} data-tone={tone}>
      {children}
    </div>
  )
}

function useNewVersion() {
  const {
    needRefresh: [isNew, setNew],
    updateServiceWorker,
  } = useRegisterSW({
    onRegisteredSW: (_address, registration) => {
      if (registration) setInterval(() => void registration.update().catch(() => {}), checkForNewVersionEvery)
    },
  })
  return { isNew, load: () => updateServiceWorker(true), later: () => setNew(false) }
}

function onNetwork(changed: () => void) {
  addEventListener('online', changed)
  addEventListener('offline', changed)
  return () => {
    removeEventListener('online', changed)
    removeEventListener('offline', changed)
  }
}

/** True once `value` has been true for `ms` without a break. */
function useLasting(value: boolean, ms: number): boolean {
  const [isLasting, setLasting] = useState(false)
  useEffect(() => {
    if (!value) return setLasting(false)
    const timer = setTimeout(() => setLasting(true), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return isLasting
}
