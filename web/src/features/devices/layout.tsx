import {
  AppstoreOutlined,
  CloudUploadOutlined,
  ClusterOutlined,
  DashboardOutlined,
  NotificationOutlined,
  RobotOutlined,
  TeamOutlined,
  UnorderedListOutlined,
} from '@ant-design/icons'
import { Badge } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Outlet } from 'react-router'
import { useRegistrationCounts } from '#api/devices.ts'
import { useCan } from '#api/me.ts'
import { MenuLink } from '#ui/menu-link.tsx'
import { WithSideColumn } from '#ui/side-column.tsx'
import style from './devices.module.css'

type Section = {
  key: 'registrations' | 'types' | 'batches' | 'firmware' | 'groups' | 'broadcasts' | 'speed'
  icon: ReactNode
  permission: string
}

const sections: readonly Section[] = [
  { key: 'registrations', icon: <UnorderedListOutlined />, permission: 'devices.registry.read' },
  { key: 'batches', icon: <ClusterOutlined />, permission: 'devices.registry.read' },
  { key: 'types', icon: <AppstoreOutlined />, permission: 'devices.registry.read' },
  { key: 'firmware', icon: <CloudUploadOutlined />, permission: 'devices.firmware.manage' },
  { key: 'groups', icon: <TeamOutlined />, permission: 'devices.registry.read' },
  { key: 'speed', icon: <DashboardOutlined />, permission: 'devices.registry.read' },
  { key: 'broadcasts', icon: <NotificationOutlined />, permission: 'devices.broadcasts.manage' },
]

/** Operators have a second column; for everybody else the product is one list, and needs none. */
export function Component() {
  const { t } = useTranslation('devices')
  const can = useCan()
  const allowed = sections.filter(({ permission }) => can(permission))
  if (allowed.length === 0) return <Outlet />
  return (
    <WithSideColumn
      label={t('title')}
      side={
        <nav className={style.menu} aria-label={t('title')}>
          <h2 className={style.menuTitle}>{t('title')}</h2>
          <div className={style.menuGroup}>
            <MenuLink to="/devices" icon={<RobotOutlined />} isExact>
              {t('menu.mine')}
            </MenuLink>
          </div>
          <section className={style.menuGroup} aria-label={t('menu.operators')}>
            <h3 className={style.menuGroupTitle}>{t('menu.operators')}</h3>
            {allowed.map(({ key, icon }) => (
              <MenuLink key={key} to={`/devices/admin/${key}`} icon={icon}>
                {t(`menu.${key}`)} {key === 'registrations' && <Pending />}
              </MenuLink>
            ))}
          </section>
        </nav>
      }
    >
      <Outlet />
    </WithSideColumn>
  )
}

/** How many devices wait to be let in. */
function Pending() {
  const counts = useRegistrationCounts()
  return <Badge count={counts.data?.pending ?? 0} size="small" />
}
