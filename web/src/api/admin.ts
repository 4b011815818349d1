import { keepPreviousData, type QueryKey, useMutation, useQuery } from '@tanstack/react-query'
import { api, type Query } from './client.ts'
import { usePages, useWrite } from './query.ts'
import type {
  AdminModel,
  AdminModelInput,
  AdminModelPatch,
  Health,
  Invitation,
  InvitationInput,
  Items,
  Job,
  JobRecord,
  NewInvitation,
  Permission,
  Plan,
  PlanInput,
  PlanSubscriber,
  Provider,
  ProviderInput,
  ProviderKind,
  ProviderPatch,
  ProviderTest,
  ProviderTestInput,
  Role,
  Setup,
  SignIn,
  SignUp,
  SpendCap,
  SpendCapInput,
  StoredMail,
  StoredMailBody,
  UsageGroup,
  UsageReport,
  User,
  UserBilling,
  UserBillingInput,
  UserInput,
  UserPatch,
} from './types.ts'

export const adminKeys = {
  users: ['admin', 'users'] as const,
  user: (id: string) => ['admin', 'user', id] as const,
  plans: ['admin', 'plans'] as const,
  roles: ['admin', 'roles'] as const,
  invitations: ['admin', 'invitations'] as const,
  signUp: ['admin', 'sign-up'] as const,
  providers: ['admin', 'providers'] as const,
  models: ['admin', 'models'] as const,
  jobs: ['admin', 'jobs'] as const,
  setup: ['admin', 'setup'] as const,
  spendCap: ['admin', 'spend-cap'] as const,
  health: ['admin', 'health'] as const,
}

/** What people are offered in the chat depends on models and providers. */
const chatModels = ['chat', 'models'] as const

const useRead = <T>(
  key: QueryKey,
  path: string,
  options: { query?: Query; enabled?: boolean; refetchInterval?: number } = {},
) => {
  const { query = {}, ...rest } = options
  return useQuery({
    queryKey: options.query ? [...key, query] : key,
    queryFn: ({ signal }) => api.get<T>(path, { query, signal }),
    ...rest,
  })
}

/* People */

export const useUsers = (filter: { q?: string; role?: string; is_active?: boolean } = {}) =>
  usePages<User>(adminKeys.users, '/users', filter)

export const useUser = (id: string) => useRead<User>(adminKeys.user(id), `/users/${id}`)

export const useCreateUser = () =>
  useWrite((input: UserInput) => api.post<User>('/users', input), adminKeys.users)

export const useChangeUser = (id: string) =>
  useWrite((patch: UserPatch) => api.patch<User>(`/users/${id}`, patch), adminKeys.users, adminKeys.user(id))

export const useDeleteUser = () => useWrite((id: string) => api.delete(`/users/${id}`), adminKeys.users)

/** `link` where no mail can reach the person. */
export const useSendPasswordReset = () =>
  useMutation({
    mutationFn: (id: string) =>
      api.post<{ sent: boolean; link: string | null }>(`/users/${id}/password-reset`, {}),
  })

export const useUserSignIns = (user_id: string) =>
  usePages<SignIn>([...adminKeys.user(user_id), 'sign-ins'], '/identity/sign-ins', { user_id }, { limit: 20 })

export const usePlans = (enabled = true) =>
  useRead<Items<Plan>>(adminKeys.plans, '/billing/plans', { enabled })

export const useCreatePlan = () =>
  useWrite((input: PlanInput) => api.post<Plan>('/billing/plans', input), adminKeys.plans)

export const useSavePlan = () =>
  useWrite(
    ({ id, ...input }: PlanInput & { is_retired: boolean }) => api.put<Plan>(`/billing/plans/${id}`, input),
    adminKeys.plans,
  )

const subscribersOf = (plan: string) => ['admin', 'plan-subscribers', plan] as const

export const usePlanSubscribers = (plan: string) =>
  usePages<PlanSubscriber>(subscribersOf(plan), `/billing/plans/${plan}/subscribers`)

export const useGiveDays = (plan: string) =>
  useWrite(
    ({ user_id, key, ...gift }: { user_id: string; days: number; reason: string; key: string }) =>
      api.post<UserBilling>(`/billing/users/${user_id}/grants`, { plan, ...gift }, { idempotencyKey: key }),
    subscribersOf(plan),
    ['admin', 'user'],
    adminKeys.users,
  )

export const useUserBilling = (id: string) =>
  useRead<UserBilling>([...adminKeys.user(id), 'billing'], `/billing/users/${id}`)

export const useSetUserBilling = (id: string) =>
  useWrite(
    (input: UserBillingInput) => api.put<UserBilling>(`/billing/users/${id}`, input),
    adminKeys.users,
    adminKeys.user(id),
  )

export const useRoles = (enabled = true) =>
  useRead<Items<Role>>(adminKeys.roles, '/identity/roles', { enabled })

export const usePermissions = () =>
  useRead<Items<Permission>>(['admin', 'permissions'], '/identity/permissions')

export const useSetRole = () =>
  useWrite(
    ({ name, permissions }: Role) => api.put<Role>(`/identity/roles/${name}`, { permissions }),
    adminKeys.roles,
  )

export const useInvitations = (enabled = true) =>
  usePages<Invitation>(adminKeys.invitations, '/identity/invitations', {}, { enabled })

export const useCreateInvitation = () =>
  useWrite(
    (input: InvitationInput) => api.post<NewInvitation>('/identity/invitations', input),
    adminKeys.invitations,
  )

export const useRevokeInvitation = () =>
  useWrite((id: string) => api.delete(`/identity/invitations/${id}`), adminKeys.invitations)

export const useSignUpPolicy = (enabled = true) =>
  useRead<{ sign_up: SignUp }>(adminKeys.signUp, '/identity/sign-up-policy', { enabled })

export const useSetSignUpPolicy = () =>
  useWrite(
    (sign_up: SignUp) => api.put<{ sign_up: SignUp }>('/identity/sign-up-policy', { sign_up }),
    adminKeys.signUp,
    ['auth', 'policy'],
  )

/* Models and providers */

const ofProviders = [
  adminKeys.providers,
  adminKeys.models,
  adminKeys.setup,
  adminKeys.health,
  chatModels,
] as const

export const useProviderKinds = () =>
  useRead<Items<ProviderKind>>([...adminKeys.providers, 'kinds'], '/admin/providers/kinds')

export const useProviders = (enabled = true) =>
  usePages<Provider>([...adminKeys.providers, 'list'], '/admin/providers', {}, { enabled })

export const useCreateProvider = () =>
  useWrite((input: ProviderInput) => api.post<Provider>('/admin/providers', input), ...ofProviders)

export const useChangeProvider = (id: string) =>
  useWrite(
    (patch: ProviderPatch) => api.patch<Provider>(`/admin/providers/${encodeURIComponent(id)}`, patch),
    ...ofProviders,
  )

export const useDeleteProvider = () =>
  useWrite((id: string) => api.delete(`/admin/providers/${encodeURIComponent(id)}`), ...ofProviders)

export const useAddProviderKey = (id: string) =>
  useWrite(
    (api_key: string) => api.post<Provider>(`/admin/providers/${encodeURIComponent(id)}/keys`, { api_key }),
    adminKeys.providers,
  )

export const useDeleteProviderKey = (id: string) =>
  useWrite(
    (key_id: string) => api.delete(`/admin/providers/${encodeURIComponent(id)}/keys/${key_id}`),
    adminKeys.providers,
  )

export const useTestProvider = () =>
  useMutation({
    mutationFn: (input: ProviderTestInput) => api.post<ProviderTest>('/admin/providers/test', input),
  })

export const useAdminModels = (filter: { provider_id?: string; kind?: string } = {}) =>
  usePages<AdminModel>(adminKeys.models, '/admin/models', filter, { limit: 100 })

export const useCreateModel = () =>
  useWrite(
    (input: AdminModelInput) => api.post<AdminModel>('/admin/models', input),
    adminKeys.models,
    adminKeys.setup,
    chatModels,
  )

export const useChangeModel = () =>
  useWrite(
    ({ id, ...patch }: AdminModelPatch & { id: string }) =>
      api.patch<AdminModel>(`/admin/models/${encodeURIComponent(id)}`, patch),
    adminKeys.models,
    adminKeys.setup,
    chatModels,
  )

export const useDeleteModel = () =>
  useWrite(
    (id: string) => api.delete(`/admin/models/${encodeURIComponent(id)}`),
    adminKeys.models,
    adminKeys.setup,
    chatModels,
  )

export const useSpendCap = () => useRead<SpendCap>(adminKeys.spendCap, '/admin/spend-cap')

export const useSetSpendCap = () =>
  useWrite(
    (input: SpendCapInput) => api.put<SpendCap>('/admin/spend-cap', input),
    adminKeys.spendCap,
    adminKeys.setup,
  )

export function useUsage(query: { from: string; to: string; group_by: UsageGroup }) {
  return useQuery({
    queryKey: ['admin', 'usage', query],
    queryFn: ({ signal }) => api.get<UsageReport>('/admin/usage', { query, signal }),
    placeholderData: keepPreviousData,
  })
}

/* System */

export const useSetup = (enabled = true) => useRead<Setup>(adminKeys.setup, '/admin/setup', { enabled })

export const useJobs = (filter: { state?: string; name?: string }, refetchInterval: number | false = false) =>
  usePages<JobRecord>([...adminKeys.jobs, 'list'], '/admin/jobs', filter, { refetchInterval })

export const useCancelJob = () =>
  useWrite((id: string) => api.post<Job>(`/admin/jobs/${id}/cancel`, {}), adminKeys.jobs)

export const useRetryJob = () =>
  useWrite((id: string) => api.post<Job>(`/admin/jobs/${id}/retry`, {}), adminKeys.jobs)

export const useHealth = () => useRead<Health>(adminKeys.health, '/admin/health', { refetchInterval: 10_000 })

export const useMailbox = () => usePages<StoredMail>(['admin', 'mailbox'], '/admin/mailbox')

export const useMail = (id: string) =>
  useRead<StoredMailBody>(['admin', 'mailbox', 'one', id], `/admin/mailbox/${id}`)
