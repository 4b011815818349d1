import type { ConfigProviderProps } from 'antd'
import type { Language } from './i18n.ts'

export type AntdLocale = NonNullable<ConfigProviderProps['locale']>

const loaders: Record<Language, () => Promise<{ default: AntdLocale }>> = {
  'zh-CN': () => import('antd/locale/zh_CN'),
  en: () => import('antd/locale/en_US'),
}

/** Ant Design's own texts (pickers, confirmations) in the language. */
export async function loadAntdLocale(language: Language): Promise<AntdLocale> {
  return (await loaders[language]()).default
}
