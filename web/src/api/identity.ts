import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ApiError, api } from './client.ts'
import { realtime } from './live.ts'
import { meKey, usePages, useWrite } from './query.ts'
import type {
  ApiToken,
  ApiTokenInput,
  AuthPolicy,
  Items,
  Me,
  MeInput,
  Member,
  NewApiToken,
  NotificationChoices,
  Organisation,
  OrganisationInvitation,
  OrganisationRole,
  RegisterInput,
  Session,
  SignedIn,
  SignIn,
} from './types.ts'

/** Who is signed in; `null` for nobody. */
export const meQuery = {
  queryKey: meKey,
  queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Me | null> => {
    try {
      return await api.get<Me>('/users/me', { signal })
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
  staleTime: 5 * 60_000,
}

const choicesKey = ['notifications', 'choices'] as const

export const useNotificationChoices = () =>
  useQuery({
    queryKey: choicesKey,
    queryFn: ({ signal }) => api.get<NotificationChoices>('/notifications/choices', { signal }),
  })

export const useChooseNotifications = () =>
  useWrite(
    (choices: NotificationChoices) => api.put<NotificationChoices>('/notifications/choices', choices),
    choicesKey,
  )

export function useAuthPolicy() {
  return useQuery({
    queryKey: ['auth', 'policy'],
    queryFn: ({ signal }) => api.get<AuthPolicy>('/auth/policy', { signal }),
  })
}

/** What the earlier person read and follows must not reach the next. */
function forgetOthers(client: QueryClient) {
  realtime.close()
  client.removeQueries({ predicate: query => query.queryKey[0] !== meKey[0] })
}

function useWayIn<Input>(way: (input: Input) => Promise<SignedIn>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: way,
    onSuccess: ({ user }) => {
      forgetOthers(client)
      client.setQueryData(meKey, user)
    },
  })
}

export const useSignIn = () =>
  useWayIn((input: { name: string; password: string }) =>
    api.post<SignedIn>('/auth/login', { ...input, mode: 'cookie' }),
  )

export const useSignInByLink = () => useWayIn((token: string) => api.post<SignedIn>('/auth/link', { token }))

/** Signs up and then in; a name that is taken fails at the second step like a wrong password. */
export const useSignUp = () =>
  useWayIn(async (input: RegisterInput) => {
    await api.post('/auth/register', input)
    return await api.post<SignedIn>('/auth/login', {
      name: input.username,
      password: input.password,
      mode: 'cookie',
    })
  })

export function useSignOut() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (everywhere: boolean) => api.post('/auth/logout', { everywhere }),
    onSuccess: () => {
      client.setQueryData(meKey, null)
      forgetOthers(client)
    },
  })
}

export const useForgotPassword = () =>
  useMutation({ mutationFn: (email: string) => api.post('/auth/password/forgot', { email }) })

export const useResetPassword = () =>
  useMutation({
    mutationFn: (input: { token: string; new_password: string }) => api.post('/auth/password/reset', input),
  })

export const useSendEmailLink = () =>
  useMutation({ mutationFn: () => api.post('/auth/email/verification', {}) })

export const useVerifyEmail = () =>
  useWrite((token: string) => api.post('/auth/email/verify', { token }), meKey)

export const useChangePassword = () =>
  useWrite(
    (input: { current_password: string | null; new_password: string }) => api.put('/auth/password', input),
    ['auth', 'sessions'],
  )

export function useUpdateMe() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (input: MeInput) => api.patch<Me>('/users/me', input),
    onSuccess: me => client.setQueryData(meKey, me),
  })
}

export function useUploadAvatar() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (file: File) => api.upload<Me>('PUT', '/users/me/avatar', file),
    onSuccess: me => client.setQueryData(meKey, me),
  })
}

export function useSessions() {
  return useQuery({
    queryKey: ['auth', 'sessions'],
    queryFn: ({ signal }) => api.get<Items<Session>>('/auth/sessions', { signal }),
  })
}

export const useRevokeSession = () =>
  useWrite((id: string) => api.delete(`/auth/sessions/${id}`), ['auth', 'sessions'])

export function useApiTokens() {
  return useQuery({
    queryKey: ['auth', 'tokens'],
    queryFn: ({ signal }) => api.get<Items<ApiToken>>('/auth/tokens', { signal }),
  })
}

export const useCreateApiToken = () =>
  useWrite((input: ApiTokenInput) => api.post<NewApiToken>('/auth/tokens', input), ['auth', 'tokens'])

export const useRevokeApiToken = () =>
  useWrite((id: string) => api.delete(`/auth/tokens/${id}`), ['auth', 'tokens'])

export const useSignIns = () => usePages<SignIn>(['auth', 'sign-ins'], '/auth/sign-ins')

export const useMembers = (id: string) =>
  usePages<Member>(['organisations', id, 'members'], `/identity/organisations/${id}/members`)

export const useCreateOrganisation = () =>
  useWrite((name: string) => api.post<Organisation>('/identity/organisations', { name }), meKey)

export const useDeleteOrganisation = () =>
  useWrite((id: string) => api.delete(`/identity/organisations/${id}`), meKey)

export const useInviteMember = (id: string) =>
  useWrite((role: OrganisationRole) =>
    api.post<OrganisationInvitation>(`/identity/organisations/${id}/invitations`, { role }),
  )

export const useJoinOrganisation = () =>
  useWrite((token: string) => api.post('/identity/organisations/join', { token }), meKey)

/** Also how one leaves: with one's own id. */
export const useRemoveMember = (id: string) =>
  useWrite(
    (user_id: string) => api.delete(`/identity/organisations/${id}/members/${user_id}`),
    ['organisations', id],
    meKey,
  )
