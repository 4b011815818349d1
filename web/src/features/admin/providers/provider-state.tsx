import { Tag, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'

/** Whether a provider is used: switched off, left alone for a while, with tired keys, or well. */
export function ProviderState({
  provider,
}: {
  provider: { is_enabled: boolean; circuit: 'closed' | 'open'; resting_keys: number | readonly string[] }
}) {
  const { t } = useTranslation('admin')
  const resting =
    typeof provider.resting_keys === 'number' ? provider.resting_keys : provider.resting_keys.length
  const state = !provider.is_enabled
    ? 'off'
    : provider.circuit === 'open'
      ? 'resting'
      : resting > 0
        ? 'tired'
        : 'ready'
  const color = { off: 'default', resting: 'error', tired: 'warning', ready: 'success' }[state]
  return (
    <Tooltip title={t(`providers.states.${state}Text`)}>
      <Tag color={color}>{t(`providers.states.${state}`)}</Tag>
    </Tooltip>
  )
}
