import {
  AppstoreOutlined,
  CloudUploadOutlined,
  ClusterOutlined,
  CustomerServiceOutlined,
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
import { MenuGroup, SideMenu } from '#ui/side-menu.tsx'

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

/** The menu of the product; operators have a second group in it. */
export function Component() {
  const { t } = useTranslation('devices')
  const can = useCan()
  const allowed = sections.filter(({ permission }) => can(permission))
  return (
    <WithSideColumn
      label={t('title')}
      side={
        <SideMenu title={t('title')}>
          <MenuGroup label={t('menu.personal')} isTitled={false}>
            <MenuLink to="/devices" icon={<RobotOutlined />} isExact>
              {t('menu.mine')}
            </MenuLink>
            <MenuLink to="/devices/library" icon={<CustomerServiceOutlined />}>
              {t('library.title')}
            </MenuLink>
          </MenuGroup>
          {allowed.length > 0 && (
            <MenuGroup label={t('menu.operators')}>
              {allowed.map(({ key, icon }) => (
                <MenuLink key={key} to={`/devices/admin/${key}`} icon={icon}>
                  {t(`menu.${key}`)} {key === 'registrations' && <Pending />}
                </MenuLink>
              ))}
            </MenuGroup>
          )}
        </SideMenu>
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
