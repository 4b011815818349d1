import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import type { IdentityService } from '../service.ts'
import { TypedPassword, TypedToken } from './door.ts'

export function passwordRoutes(router: Router, { passwords, emailLinks }: IdentityService) {
  router.route({
    method: 'PUT',
    path: '/api/v1/auth/password',
    access: 'signed_in',
    rate: 'auth',
    summary:
      'Change the password; every other session ends. `current_password` is null when none is set yet.',
    body: z.object({ current_password: TypedPassword.nullable(), new_password: TypedPassword }),
    handler: ({ actor, body, request }) =>
      passwords.change(actor, body.current_password, body.new_password, request.ip),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/password/forgot',
    access: 'public',
    rate: 'auth',
    summary: 'Ask for a reset link by e-mail. The answer is the same for known and unknown addresses.',
    body: z.object({ email: z.string().min(1).max(300) }),
    response: z.object({}),
    status: 202,
    async handler({ body }) {
      await passwords.forgot(body.email)
      return {}
    },
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/password/reset',
    access: 'public',
    rate: 'auth',
    summary: 'Set a new password with a reset link; every session ends',
    body: z.object({ token: TypedToken, new_password: TypedPassword }),
    handler: ({ body }) => passwords.reset(body.token, body.new_password),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/email/verification',
    access: 'signed_in',
    rate: 'auth',
    summary: 'Send the mail again that confirms one’s e-mail address, or the one that takes its place',
    response: z.object({}),
    status: 202,
    async handler({ actor }) {
      await emailLinks.sendAgain(actor)
      return {}
    },
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/email/verify',
    access: 'public',
    rate: 'auth',
    summary: 'Confirm an e-mail address with the link that was mailed to it',
    body: z.object({ token: TypedToken }),
    handler: ({ body }) => emailLinks.confirm(body.token),
  })
}
