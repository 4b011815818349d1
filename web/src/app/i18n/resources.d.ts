import 'i18next'
import type achievements from '../../features/achievements/locales/zh-CN.ts'
import type admin from '../../features/admin/locales/zh-CN.ts'
import type cards from '../../features/cards/locales/zh-CN.ts'
import type chat from '../../features/chat/locales/zh-CN.ts'
import type devices from '../../features/devices/locales/zh-CN.ts'
import type identity from '../../features/identity/locales/zh-CN.ts'
import type app from '../locales/zh-CN.ts'

/** One line per feature: makes `useTranslation('chat')` know its keys. */
declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'app'
    resources: {
      app: typeof app
      identity: typeof identity
      chat: typeof chat
      cards: typeof cards
      devices: typeof devices
      achievements: typeof achievements
      admin: typeof admin
    }
  }
}
