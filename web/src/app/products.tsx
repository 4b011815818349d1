import {
  CreditCardOutlined,
  MessageOutlined,
  RobotOutlined,
  SettingOutlined,
  TrophyOutlined,
} from '@ant-design/icons'
import type { ReactNode } from 'react'
import { useMe } from '#api/me.ts'

export type Product = {
  key: 'chat' | 'cards' | 'devices' | 'achievements' | 'admin'
  path: string
  icon: ReactNode
  /** Who sees it, by any permission that begins so; without it everybody who is signed in. */
  permissions?: readonly string[]
}

/** The bar's products, in order. A new one is a line here, its name in `products.*`, and its routes in router.tsx. */
const products: readonly Product[] = [
  { key: 'chat', path: '/chat', icon: <MessageOutlined /> },
  { key: 'cards', path: '/cards', icon: <CreditCardOutlined />, permissions: ['cards.'] },
  { key: 'devices', path: '/devices', icon: <RobotOutlined />, permissions: ['devices.use'] },
  {
    key: 'achievements',
    path: '/achievements',
    icon: <TrophyOutlined />,
    permissions: ['achievements.'],
  },
  {
    key: 'admin',
    path: '/admin',
    icon: <SettingOutlined />,
    permissions: [
      'admin.',
      'core.',
      'identity.users.',
      'identity.roles.',
      'identity.invitations.',
      'identity.sign_up.',
    ],
  },
]

export function useProducts(): Product[] {
  const { permissions } = useMe()
  return products.filter(
    product =>
      product.permissions === undefined ||
      product.permissions.some(prefix => permissions.some(permission => permission.startsWith(prefix))),
  )
}
