import { useTranslation } from 'react-i18next'
import type { EntitlementValue } from '#api/types.ts'
import { useFormat } from '#ui/format.tsx'

const known = {
  'ai.requests_per_day': 'requestsDay',
  'ai.requests_per_month': 'requestsMonth',
  'ai.tokens_per_day': 'tokensDay',
  'ai.tokens_per_month': 'tokensMonth',
  'ai.cost_micros_per_day': 'costDay',
  'ai.cost_micros_per_month': 'costMonth',
} as const

/** Entitlements in words; those of modules that this page does not know by their own names. */
export function useEntitlementText() {
  const { t } = useTranslation('admin')
  const format = useFormat()
  return {
    nameOf: (name: string): string =>
      name in known ? t(`billing.entitlements.${known[name as keyof typeof known]}`) : name,
    textOf(name: string, value: EntitlementValue): string {
      if (value === null) return t('billing.modes.unlimited')
      if (typeof value === 'boolean') return t(value ? 'billing.modes.yes' : 'billing.modes.no')
      return name.includes('_micros_') ? format.money(value) : format.number(value)
    },
  }
}
