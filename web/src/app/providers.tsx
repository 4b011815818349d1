import { EllipsisOutlined } from '@ant-design/icons'
import { type QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { App, ConfigProvider } from 'antd'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { meQuery } from '#api/identity.ts'
import { TimeZoneProvider } from '#ui/format.tsx'
import { themeFor } from '#ui/theme.ts'
import { ThemeProvider, useTheme } from '#ui/theme-mode.tsx'
import { type AntdLocale, loadAntdLocale } from './i18n/antd-locale.ts'
import { isLanguage } from './i18n/i18n.ts'

type ProvidersProps = { queryClient: QueryClient; antdLocale: AntdLocale; children: ReactNode }

export function Providers({ queryClient, antdLocale, children }: ProvidersProps) {
  return (
    <QueryClientProvider client={queryClient}>
      <ThemeProvider>
        <AntdProvider firstLocale={antdLocale}>
          <PersonTimeZone>{children}</PersonTimeZone>
        </AntdProvider>
      </ThemeProvider>
    </QueryClientProvider>
  )
}

function AntdProvider({ firstLocale, children }: { firstLocale: AntdLocale; children: ReactNode }) {
  const { mode } = useTheme()
  const { t, i18n } = useTranslation('app')
  const [locale, setLocale] = useState(firstLocale)
  useEffect(() => {
    const change = async (language: string) => {
      if (isLanguage(language)) setLocale(await loadAntdLocale(language))
    }
    i18n.on('languageChanged', change)
    return () => i18n.off('languageChanged', change)
  }, [i18n])
  const theme = useMemo(() => themeFor(mode), [mode])
  return (
    <ConfigProvider
      theme={theme}
      locale={locale}
      button={{ autoInsertSpace: false }}
      modal={{ styles: { header: { marginBottom: 'var(--ant-padding)' } } }}
      tabs={{ more: { icon: <EllipsisOutlined aria-label={t('common.moreTabs')} /> } }}
      form={{ requiredMark: false, scrollToFirstError: { block: 'center', focus: true } }}
    >
      <App message={{ maxCount: 3 }}>{children}</App>
    </ConfigProvider>
  )
}

function PersonTimeZone({ children }: { children: ReactNode }) {
  const { data } = useQuery({ ...meQuery, enabled: false })
  return <TimeZoneProvider timeZone={data?.time_zone}>{children}</TimeZoneProvider>
}
