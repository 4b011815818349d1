import { useTranslation } from 'react-i18next'
import type admin from './locales/zh-CN.ts'

/**
 * Permissions and their modules in words. A module that these texts do not know yet is shown by its own names, so
 * that a new one can be given out before anybody has translated it.
 */
export function usePermissionText() {
  const { t, i18n } = useTranslation('admin')
  const words = i18n.getResourceBundle(i18n.language, 'admin')?.permissions as
    | (typeof admin)['permissions']
    | undefined
  return {
    moduleName: (module: string): string =>
      words && module in words.modules
        ? t(`permissions.modules.${module as keyof (typeof admin)['permissions']['modules']}`)
        : module,
    permissionName(name: string): string {
      const key = name.replaceAll('.', '_')
      return words && key in words.names
        ? t(`permissions.names.${key as keyof (typeof admin)['permissions']['names']}`)
        : name
    },
  }
}
