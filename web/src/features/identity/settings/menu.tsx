import {
  HistoryOutlined,
  KeyOutlined,
  LockOutlined,
  SkinOutlined,
  TeamOutlined,
  UserOutlined,
} from '@ant-design/icons'
import { useTranslation } from 'react-i18next'
import { MenuLink } from '#ui/menu-link.tsx'

const sections = [
  { key: 'profile', path: 'profile', icon: <UserOutlined /> },
  { key: 'preferences', path: 'preferences', icon: <SkinOutlined /> },
  { key: 'security', path: 'security', icon: <LockOutlined /> },
  { key: 'tokens', path: 'tokens', icon: <KeyOutlined /> },
  { key: 'signIns', path: 'sign-ins', icon: <HistoryOutlined /> },
  { key: 'organisations', path: 'organisations', icon: <TeamOutlined /> },
] as const

/** The sections of the settings; with arrows where each is a page of its own. */
export function SettingsMenu({ hasArrows = false }: { hasArrows?: boolean }) {
  const { t } = useTranslation('identity')
  return sections.map(section => (
    <MenuLink key={section.key} to={`/settings/${section.path}`} icon={section.icon} hasArrow={hasArrows}>
      {t(`settings.${section.key}`)}
    </MenuLink>
  ))
}
