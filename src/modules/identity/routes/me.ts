import { z } from 'zod'
import { unsupportedMediaType } from '#core/errors.ts'
import type { Router } from '#core/http/route.ts'
import { Me, Preferences, Profile } from '../contract.ts'
import { avatarNotAnImage } from '../errors.ts'
import { avatarBytes } from '../service/avatars.ts'
import type { IdentityService } from '../service.ts'
import { Id } from './door.ts'

/** What a person may change of himself. */
export const OwnFields = z.object({
  display_name: z.string().max(60).regex(/\S/),
  email: z.string().max(300).nullable(),
  phone: z.string().max(40).nullable(),
  locale: z.enum(['zh-CN', 'en']),
  time_zone: z.string().max(64),
  profile: Profile,
  preferences: Preferences,
})

export function meRoutes(router: Router, { users, avatars }: IdentityService) {
  router.route({
    method: 'GET',
    path: '/api/v1/users/me',
    access: 'signed_in',
    summary: 'The signed-in user, with permissions and organisations',
    response: Me,
    handler: ({ actor }) => users.me(actor.user_id, actor.permissions),
  })

  router.route({
    method: 'PUT',
    path: '/api/v1/users/me',
    access: 'signed_in',
    summary: 'Replace one’s own details',
    body: OwnFields,
    response: Me,
    handler: ({ actor, body }) => users.updateMe(actor, body, true),
  })

  router.route({
    method: 'PATCH',
    path: '/api/v1/users/me',
    access: 'signed_in',
    summary:
      'Change some of one’s own details. Keys of profile and preferences are merged; null removes one.',
    body: OwnFields.partial(),
    response: Me,
    handler: ({ actor, body }) => users.updateMe(actor, body, false),
  })

  router.route({
    method: 'PUT',
    path: '/api/v1/users/me/avatar',
    access: 'signed_in',
    summary: 'Upload a picture (multipart, PNG, JPEG, WebP or GIF, at most 2 MiB)',
    upload: true,
    bodyLimit: 3 * 1024 * 1024,
    response: Me,
    async handler({ actor, request }) {
      if (!request.isMultipart()) throw unsupportedMediaType()
      const file = await request.file({ limits: { fileSize: avatarBytes } })
      if (!file) throw avatarNotAnImage()
      await avatars.put(actor.user_id, file.file)
      return users.me(actor.user_id, actor.permissions)
    },
  })

  router.route({
    method: 'DELETE',
    path: '/api/v1/users/me/avatar',
    access: 'signed_in',
    summary: 'Remove one’s picture',
    handler: ({ actor }) => avatars.remove(actor.user_id),
  })

  router.route({
    method: 'GET',
    path: '/api/v1/users/:id/avatar',
    access: 'signed_in',
    raw: true,
    summary: 'A user’s picture',
    params: Id,
    query: z.object({ v: z.string().max(20).optional() }),
    async handler({ params, reply }) {
      const { stream, size, media_type } = await avatars.get(params.id)
      return reply
        .headers({
          'content-type': media_type,
          'content-length': size,
          'content-disposition': 'inline; filename="avatar"',
          'content-security-policy': "default-src 'none'; sandbox",
          'cache-control': 'private, max-age=86400',
        })
        .send(stream)
    },
  })
}
