import type { Router } from '#core/http/route.ts'
import type { IdentityService } from '../service.ts'
import { apiTokenRoutes } from './api-tokens.ts'
import { authRoutes } from './auth.ts'
import type { AuthDoor } from './door.ts'
import { invitationRoutes } from './invitations.ts'
import { meRoutes } from './me.ts'
import { memberRoutes } from './members.ts'
import { organisationRoutes } from './organisations.ts'
import { passwordRoutes } from './password.ts'
import { roleRoutes } from './roles.ts'
import { sessionRoutes } from './sessions.ts'
import { signInRoutes } from './sign-ins.ts'
import { userRoutes } from './users.ts'

export function identityRoutes(router: Router, service: IdentityService, door: AuthDoor): void {
  authRoutes(router, service, door)
  passwordRoutes(router, service)
  sessionRoutes(router, service)
  apiTokenRoutes(router, service)
  signInRoutes(router, service)
  meRoutes(router, service)
  userRoutes(router, service)
  roleRoutes(router, service)
  invitationRoutes(router, service)
  organisationRoutes(router, service)
  memberRoutes(router, service)
}
