import type { Actor } from '#core/http/route.ts'

export const actorOf = (user_id: string): Actor => ({
  user_id,
  via: 'access',
  session_id: `session-of-${user_id}`,
  roles: ['user'],
  permissions: new Set(['chat.use']),
  locale: 'en',
  time_zone: 'Asia/Shanghai',
})
