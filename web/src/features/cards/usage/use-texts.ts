import { useTranslation } from 'react-i18next'

const known = ['unknown', 'redeemed', 'expired', 'void', 'frozen', 'not_released', 'issued'] as const

/** Why an attempt failed, or what became of an undone card. */
export function useReasonText(): (reason: string) => string {
  const { t } = useTranslation('cards')
  return reason => {
    const name = known.find(each => each === reason)
    return name ? t(`usage.reasons.${name}`) : reason
  }
}

const findings = [
  'row_changed',
  'row_missing',
  'row_added',
  'row_unproven',
  'person_changed',
  'cut_off',
  'head_changed',
  'head_missing',
  'key_missing',
  'chain_missing',
] as const

/** What is wrong with which rows of the log. */
export function useFindingText(): (finding: { kind: string; first_seq: number; last_seq: number }) => string {
  const { t } = useTranslation('cards')
  return ({ kind, first_seq, last_seq }) => {
    const name = findings.find(each => each === kind) ?? 'other'
    const rows = first_seq === last_seq ? String(first_seq) : `${first_seq}–${last_seq}`
    return t(`usage.verify.findings.${name}`, { rows })
  }
}
