import { useTranslation } from 'react-i18next'
import type { Plan } from '#api/types.ts'

/** A plan's name in the language of the interface. */
export function usePlanName(): (plan: Pick<Plan, 'names'>) => string {
  const { i18n } = useTranslation()
  return ({ names }) => names[i18n.language === 'en' ? 'en' : 'zh-CN']
}
