import { useTranslation } from 'react-i18next'
import { Outlet } from 'react-router'
import { WithSideColumn } from '#ui/side-column.tsx'
import style from '../identity.module.css'
import { SettingsMenu } from './menu.tsx'

export function Component() {
  const { t } = useTranslation('identity')
  return (
    <WithSideColumn
      label={t('settings.title')}
      side={
        <nav className={style.menu} aria-label={t('settings.title')}>
          <h2 className={style.menuTitle}>{t('settings.title')}</h2>
          <SettingsMenu />
        </nav>
      }
    >
      <Outlet />
    </WithSideColumn>
  )
}
