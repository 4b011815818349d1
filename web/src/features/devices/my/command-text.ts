import { useTranslation } from 'react-i18next'
import type { DeviceCommand } from '#api/device-types.ts'

/** A command in words. */
export function useCommandText() {
  const { t } = useTranslation('devices')
  return (command: DeviceCommand): string => {
    if (command.kind === 'say') return t('command.say', { text: command.text })
    if (command.kind === 'alert') return t('command.alert', { text: command.message })
    if (command.kind === 'tool') return t('command.tool', { tool: command.tool })
    return t(`command.${command.kind}`)
  }
}
