import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Router } from '#core/http/route.ts'
import { Me } from '../contract.ts'
import { clearSessionCookie, setSessionCookie } from '../cookies.ts'
import { SignUpPolicy } from '../service/sign-up.ts'
import type { IdentityService } from '../service.ts'
import { type AuthDoor, originOf, TypedPassword, TypedToken } from './door.ts'

const SignedIn = z
  .object({
    access_token: z.string().nullable().describe('JWT, null for a browser session.'),
    refresh_token: z.string().nullable().describe('Good for one refresh.'),
    expires_in: z.int().nullable().describe('Seconds until the access token expires.'),
    user: Me,
  })
  .meta({ id: 'SignedIn' })

type Opened = {
  user_id: string
  cookie: string | null
  access_token: string | null
  refresh_token: string | null
  expires_in: number | null
}

export function authRoutes(
  router: Router,
  { signIn, signUp, sessions, users }: IdentityService,
  door: AuthDoor,
) {
  const isSecure = (request: FastifyRequest) => door.isHttps || request.protocol === 'https'

  async function answer(
    { user_id, cookie, ...tokens }: Opened,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    if (cookie !== null) {
      // The browser forgets its old cookie, so nobody else should be able to use that session.
      if (request.actor?.via === 'session') await sessions.signOut(request.actor, false)
      setSessionCookie(reply, cookie, isSecure(request))
    }
    return { ...tokens, user: await users.me(user_id) }
  }

  router.route({
    method: 'GET',
    path: '/api/v1/auth/policy',
    access: 'public',
    summary: 'Who may make an account, and whether a forgotten password can be reset by e-mail',
    response: z.object({ sign_up: SignUpPolicy }),
    handler: async () => ({ sign_up: await signUp.policy() }),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/register',
    access: 'public',
    rate: 'auth',
    summary: 'Make an account. The answer is the same whether or not the name is taken; sign in to find out.',
    body: z.object({
      username: z.string().max(100),
      password: TypedPassword,
      email: z.string().max(300).optional(),
      phone: z.string().max(40).optional(),
      display_name: z.string().max(60).optional(),
      locale: z.enum(['zh-CN', 'en']).optional(),
      time_zone: z.string().max(64).optional(),
      invitation: TypedToken.optional(),
    }),
    response: z.object({}),
    status: 202,
    handler: ({ body, locale }) => signUp.register(body, locale),
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/login',
    access: 'public',
    rate: 'auth',
    summary: 'Sign in with a username, e-mail address or phone number',
    body: z.object({
      name: z.string().min(1).max(300),
      password: TypedPassword,
      mode: z.enum(['token', 'cookie']).default('token'),
    }),
    response: SignedIn,
    async handler({ body, request, reply }) {
      if (body.mode === 'cookie') door.assertSameOrigin(request)
      return answer(await signIn.withPassword(body, originOf(request)), request, reply)
    },
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/link',
    access: 'public',
    rate: 'auth',
    summary: 'Sign a browser in with a one-time link',
    body: z.object({ token: TypedToken }),
    response: SignedIn,
    async handler({ body, request, reply }) {
      door.assertSameOrigin(request)
      return answer(await signIn.withLink(body.token, originOf(request), request.locale), request, reply)
    },
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/refresh',
    access: 'public',
    summary: 'Trade a refresh token for a new pair. A second use of an old one ends the session.',
    body: z.object({ refresh_token: TypedToken }),
    response: SignedIn,
    async handler({ body, request, reply }) {
      return answer({ ...(await sessions.refresh(body.refresh_token)), cookie: null }, request, reply)
    },
  })

  router.route({
    method: 'POST',
    path: '/api/v1/auth/logout',
    access: 'signed_in',
    summary: 'Sign out here, or everywhere',
    body: z.object({ everywhere: z.boolean().default(false) }).nullable(),
    async handler({ actor, body, request, reply }) {
      await sessions.signOut(actor, body?.everywhere ?? false)
      clearSessionCookie(reply, isSecure(request))
    },
  })
}
