import {
  AppstoreOutlined,
  BarChartOutlined,
  CloudServerOutlined,
  CrownOutlined,
  DashboardOutlined,
  InboxOutlined,
  MailOutlined,
  RocketOutlined,
  SafetyCertificateOutlined,
  ThunderboltOutlined,
  UserOutlined,
  WalletOutlined,
} from '@ant-design/icons'
import type { ReactNode } from 'react'
import { useCan } from '#api/me.ts'

export type SectionKey =
  | 'setup'
  | 'users'
  | 'roles'
  | 'plans'
  | 'signUp'
  | 'providers'
  | 'models'
  | 'spend'
  | 'usage'
  | 'jobs'
  | 'health'
  | 'mailbox'

export type AdminSection = {
  key: SectionKey
  group: 'start' | 'people' | 'ai' | 'system'
  path: string
  icon: ReactNode
  /** Any of these lets in. */
  permissions: readonly string[]
}

/** The pages of administration, in the order of the menu, with the permissions that open them. */
export const sections: readonly AdminSection[] = [
  {
    key: 'setup',
    group: 'start',
    path: '/admin/setup',
    icon: <RocketOutlined />,
    permissions: ['admin.setup.read'],
  },
  {
    key: 'users',
    group: 'people',
    path: '/admin/users',
    icon: <UserOutlined />,
    permissions: ['identity.users.read'],
  },
  {
    key: 'roles',
    group: 'people',
    path: '/admin/roles',
    icon: <SafetyCertificateOutlined />,
    permissions: ['identity.roles.read'],
  },
  {
    key: 'plans',
    group: 'people',
    path: '/admin/plans',
    icon: <CrownOutlined />,
    permissions: ['billing.plans.manage'],
  },
  {
    key: 'signUp',
    group: 'people',
    path: '/admin/sign-up',
    icon: <MailOutlined />,
    permissions: ['identity.invitations.manage', 'identity.sign_up.manage'],
  },
  {
    key: 'providers',
    group: 'ai',
    path: '/admin/providers',
    icon: <CloudServerOutlined />,
    permissions: ['admin.providers.manage'],
  },
  {
    key: 'models',
    group: 'ai',
    path: '/admin/models',
    icon: <AppstoreOutlined />,
    permissions: ['admin.models.manage'],
  },
  {
    key: 'spend',
    group: 'ai',
    path: '/admin/spend',
    icon: <WalletOutlined />,
    permissions: ['admin.spend_cap.manage'],
  },
  {
    key: 'usage',
    group: 'ai',
    path: '/admin/usage',
    icon: <BarChartOutlined />,
    permissions: ['admin.usage.read'],
  },
  {
    key: 'jobs',
    group: 'system',
    path: '/admin/jobs',
    icon: <ThunderboltOutlined />,
    permissions: ['core.jobs.manage'],
  },
  {
    key: 'health',
    group: 'system',
    path: '/admin/health',
    icon: <DashboardOutlined />,
    permissions: ['admin.health.read'],
  },
  {
    key: 'mailbox',
    group: 'system',
    path: '/admin/mailbox',
    icon: <InboxOutlined />,
    permissions: ['core.mailbox.read'],
  },
]

export function useAllowedSections(): AdminSection[] {
  const can = useCan()
  return sections.filter(section => section.permissions.some(can))
}
