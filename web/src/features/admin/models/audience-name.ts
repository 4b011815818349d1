import { useTranslation } from 'react-i18next'
import { useRoleName } from '../role-name.ts'

/** Who may use a model, in words: everyone, a plan or a role. */
export function useAudienceName(): (name: string) => string {
  const { t } = useTranslation('admin')
  const roleName = useRoleName()
  return name => {
    if (name === 'everyone') return t('models.everyone')
    if (name === 'vip') return t('models.vip')
    if (name === 'free') return t('models.free')
    return roleName(name)
  }
}
