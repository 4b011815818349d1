import {
  AppstoreOutlined,
  BarChartOutlined,
  BarcodeOutlined,
  GiftOutlined,
  HistoryOutlined,
  IdcardOutlined,
  StarOutlined,
} from '@ant-design/icons'
import type { ReactNode } from 'react'
import { useCan } from '#api/me.ts'

export type CardsSection = {
  key: 'collection' | 'redeem' | 'templates' | 'batches' | 'categories' | 'usage' | 'analytics'
  group: 'mine' | 'making' | 'watching'
  path: string
  icon: ReactNode
  /** Any of these lets in. */
  permissions: readonly string[]
}

/** The pages of the product, in the order of the menu, with the permissions that open them. */
export const sections: readonly CardsSection[] = [
  {
    key: 'collection',
    group: 'mine',
    path: '/cards/collection',
    icon: <StarOutlined />,
    permissions: ['cards.use'],
  },
  {
    key: 'redeem',
    group: 'mine',
    path: '/cards/redeem',
    icon: <GiftOutlined />,
    permissions: ['cards.use'],
  },
  {
    key: 'templates',
    group: 'making',
    path: '/cards/templates',
    icon: <IdcardOutlined />,
    permissions: ['cards.templates.manage'],
  },
  {
    key: 'batches',
    group: 'making',
    path: '/cards/batches',
    icon: <BarcodeOutlined />,
    permissions: ['cards.batches.manage'],
  },
  {
    key: 'categories',
    group: 'making',
    path: '/cards/categories',
    icon: <AppstoreOutlined />,
    permissions: ['cards.categories.manage'],
  },
  {
    key: 'analytics',
    group: 'watching',
    path: '/cards/analytics',
    icon: <BarChartOutlined />,
    permissions: ['cards.usage.read'],
  },
  {
    key: 'usage',
    group: 'watching',
    path: '/cards/usage',
    icon: <HistoryOutlined />,
    permissions: ['cards.usage.read'],
  },
]

export function useAllowedSections(): CardsSection[] {
  const can = useCan()
  return sections.filter(section => section.permissions.some(can))
}
