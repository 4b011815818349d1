import { z } from 'zod'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { Choices, Notification } from './contract.ts'
import type { NotificationsService } from './service.ts'

const UnreadCount = z.object({ unread_count: z.int().describe('100 stands for 100 or more.') })

export function notificationsRoutes(router: Router, service: NotificationsService): void {
  router.route({
    method: 'GET',
    path: '/api/v1/notifications',
    access: 'signed_in',
    summary: 'Own notifications, newest first',
    query: PageQuery.extend({ unread: z.boolean().default(false).describe('Only those not read yet.') }),
    response: pageOf(Notification),
    handler: ({ actor, query, locale }) => service.list(actor, query, locale),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/notifications/unread-count',
    access: 'signed_in',
    summary: 'How many notifications are not read yet',
    response: UnreadCount,
    handler: async ({ actor }) => ({ unread_count: await service.countUnread(actor) }),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/notifications/choices',
    access: 'signed_in',
    summary: 'How one wants to be told',
    response: Choices,
    handler: ({ actor }) => service.choices(actor),
  })
  router.route({
    method: 'PUT',
    path: '/api/v1/notifications/choices',
    access: 'signed_in',
    summary: 'Choose how to be told',
    body: Choices,
    response: Choices,
    handler: ({ actor, body }) => service.choose(actor, body),
  })
  router.route({
    method: 'POST',
    path: '/api/v1/notifications/:id/read',
    access: 'signed_in',
    summary: 'Mark a notification as read',
    params: z.object({ id: z.uuid() }),
    response: UnreadCount,
    handler: async ({ actor, params }) => ({ unread_count: await service.markRead(actor, params.id) }),
  })
  router.route({
    method: 'POST',
    path: '/api/v1/notifications/read-all',
    access: 'signed_in',
    summary: 'Mark all notifications as read',
    response: UnreadCount,
    handler: async ({ actor }) => ({ unread_count: await service.markAllRead(actor) }),
  })
}
