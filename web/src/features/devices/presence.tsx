import { Badge } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Presence } from '#api/device-types.ts'
import common from '#ui/common.module.css'
import { Time } from '#ui/format.tsx'

/** In a conversation now, or when it was last heard of. */
export function PresenceText({ presence }: { presence: Presence }) {
  const { t } = useTranslation('devices')
  if (presence.is_online) return <Badge status="success" text={t('presence.online')} />
  if (!presence.last_seen_at) return <Badge status="default" text={t('presence.never')} />
  return (
    <span className={common.muted}>
      <Badge status="default" /> {t('presence.lastSeen')} <Time value={presence.last_seen_at} />
    </span>
  )
}

export function useSignalText() {
  const { t } = useTranslation('devices')
  return ({ network }: Presence): string | null => {
    if (!network) return null
    const strength =
      network.rssi === undefined
        ? null
        : t(network.rssi > -60 ? 'presence.strong' : network.rssi > -75 ? 'presence.fair' : 'presence.weak')
    return [network.ssid, strength].filter(Boolean).join(' · ') || null
  }
}
