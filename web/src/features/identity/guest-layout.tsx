import { BgColorsOutlined, GlobalOutlined } from '@ant-design/icons'
import { Button, Dropdown } from 'antd'
import { Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Outlet } from 'react-router'
import { isLanguage, languageNames, languages, setLanguage } from '#app/i18n/i18n.ts'
import { Mark } from '#ui/mark.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import { isThemeChoice, useTheme } from '#ui/theme-mode.tsx'
import style from './identity.module.css'

/** The frame of the ways in: one card, and a choice of language and looks. */
export function Component() {
  return (
    <div className={style.guest}>
      <div className={style.guestTools}>
        <LanguageButton />
        <ThemeButton />
      </div>
      <main className={style.card}>
        <div className={style.brand}>
          <Mark size={36} />
          <span>Banyan</span>
        </div>
        <Suspense fallback={<FormSkeleton fields={2} />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  )
}

function LanguageButton() {
  const { t, i18n } = useTranslation('app')
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: languages.map(language => ({ key: language, label: languageNames[language] })),
        selectedKeys: [i18n.language],
        selectable: true,
        onClick: ({ key }) => isLanguage(key) && void setLanguage(key),
      }}
    >
      <Button type="text" icon={<GlobalOutlined aria-label={t('shell.language')} />}>
        {isLanguage(i18n.language) ? languageNames[i18n.language] : null}
      </Button>
    </Dropdown>
  )
}

function ThemeButton() {
  const { t } = useTranslation('app')
  const { choice, setChoice } = useTheme()
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: (['system', 'light', 'dark'] as const).map(key => ({ key, label: t(`theme.${key}`) })),
        selectedKeys: [choice],
        selectable: true,
        onClick: ({ key }) => isThemeChoice(key) && setChoice(key),
      }}
    >
      <Button type="text" icon={<BgColorsOutlined />} aria-label={t('shell.theme')} />
    </Dropdown>
  )
}
