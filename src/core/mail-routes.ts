import { z } from 'zod'
import { notFound } from '#core/errors.ts'
import { PageQuery, pageOf } from '#core/http/page.ts'
import type { Router } from '#core/http/route.ts'
import { type Mail, StoredMail, StoredMailBody } from '#core/mail.ts'

/** The mailbox of administrators: what no mail server delivered. */
export function mailRoutes(router: Router, mail: Pick<Mail, 'mailbox'>): void {
  router.route({
    method: 'GET',
    path: '/api/v1/admin/mailbox',
    access: 'core.mailbox.read',
    summary: 'Mails that were not delivered, newest first',
    query: PageQuery,
    response: pageOf(StoredMail),
    handler: ({ query }) => mail.mailbox.list(query),
  })
  router.route({
    method: 'GET',
    path: '/api/v1/admin/mailbox/:id',
    access: 'core.mailbox.read',
    summary: 'A mail with its text',
    params: z.object({ id: z.uuid() }),
    response: StoredMailBody,
    async handler({ params }) {
      const found = await mail.mailbox.get(params.id)
      if (!found) throw notFound()
      return found
    },
  })
}
