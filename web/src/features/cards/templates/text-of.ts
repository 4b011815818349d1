import { useTranslation } from 'react-i18next'
import type { Texts } from '#api/cards.ts'

/** The text of the person's language. */
export function useTextOf(): (texts: Texts) => string {
  const { i18n } = useTranslation('cards')
  return texts => texts[i18n.language === 'en' ? 'en' : 'zh-CN']
}
