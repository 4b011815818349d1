import { useQuery } from '@tanstack/react-query'
import { api } from './client.ts'
import { usePages, useWrite } from './query.ts'
import type { Items } from './types.ts'

export const tierNames = ['bronze', 'silver', 'gold', 'platinum', 'diamond'] as const
export type TierName = (typeof tierNames)[number]
export type Texts = { 'zh-CN': string; en: string }

export type FilterOp = 'is' | 'is_not' | 'at_least' | 'at_most'
export type Filter = { field: string; op: FilterOp; values: (string | number | boolean)[] }
export type Window = { unit: 'all' | 'day' | 'week' | 'month' | 'rolling'; days?: number }
type Counted = { event: string; filters: Filter[] }
export type Condition =
  | ({ type: 'count'; window: Window } & Counted)
  | ({ type: 'sum' | 'distinct'; field: string; window: Window } & Counted)
  | ({ type: 'streak'; per_day: number } & Counted)
  | { type: 'set'; category: string | null }
  | ({ type: 'first' } & Counted)
  | { type: 'top' }
  | { type: 'prerequisite'; achievement_id: string; tier: TierName | null }
export type ConditionType = Condition['type']

export type Rewards = { membership: { plan: string; days: number } | null }
export type Tier = { tier: TierName; goals: number[]; points: number; rewards: Rewards }
export type Rule = { match: 'all' | 'any'; conditions: Condition[]; tiers: Tier[] }

export type ProgressTier = Tier & {
  /** 0 to 1 */
  fraction: number
  unlocked_at: string | null
  holders_percent: number | null
}
export type AchievementProgress = {
  achievement_id: string
  is_hidden: boolean
  /** Hidden, and nothing of it is unlocked: it has no name yet. */
  is_secret: boolean
  name: string | null
  description: string | null
  icon: string | null
  match: 'all' | 'any'
  conditions: { condition: Condition; value: number }[]
  tiers: ProgressTier[]
}
export type ProgressList = { points: number; unlocked: number; items: AchievementProgress[] }

export type Standing = { points: number; is_listed: boolean; rank: number | null }
export type BoardEntry = { rank: number; display_name: string; points: number; is_own: boolean }

export type DefinitionInput = {
  names: Texts
  descriptions: Texts
  icon: string
  is_hidden: boolean
  is_enabled: boolean
  position: number
  rule: Rule
}
export type Definition = DefinitionInput & {
  id: string
  is_starter: boolean
  version: number
  replay: { state: 'waiting' | 'running' | 'done' | 'stopped'; job_id: string | null; users_done: number }
  holders: { tier: TierName; users: number }[]
  created_at: string
  updated_at: string
}
export type EventField = { name: string; names: Texts; kind: 'text' | 'number'; values: string[] | null }
export type CountableEvent = { name: string; names: Texts; fields: EventField[] }

export type Preview = {
  id: string
  job_id: string | null
  state: 'running' | 'done' | 'failed'
  result: {
    users_scanned: number
    users_total: number
    is_complete: boolean
    tiers: { tier: TierName; users: number }[]
    sample: { user_id: string; display_name: string | null; tier: TierName; reached_at: string }[]
    timeline: { day: string; reached: number }[]
  }
}
export type Statistic = {
  day: string
  achievement_id: string
  tier: TierName
  unlocked: number
  holders: number
  users: number
}

/** On `achievements.user.{id}`. */
export type AchievementNews = {
  type: 'achievement.unlocked'
  achievement_id: string
  tier: TierName
  names: Texts
  icon: string
  points: number
}

export const achievementKeys = {
  all: ['achievements'] as const,
  progress: ['achievements', 'progress'] as const,
  board: ['achievements', 'leaderboard'] as const,
  definitions: ['achievements', 'definitions'] as const,
}

export const useProgress = () =>
  useQuery({
    queryKey: achievementKeys.progress,
    queryFn: ({ signal }) => api.get<ProgressList>('/achievements/progress', { signal }),
  })

export const useLeaderboard = () => usePages<BoardEntry>(achievementKeys.board, '/achievements/leaderboard')

/** Where the person stands; it comes with every page of the leaderboard. */
export const useStanding = () =>
  useQuery({
    queryKey: [...achievementKeys.board, 'own'],
    queryFn: async ({ signal }) =>
      (await api.get<{ own: Standing }>('/achievements/leaderboard', { query: { limit: 1 }, signal })).own,
  })

export const useSetListed = () =>
  useWrite(
    (is_listed: boolean) => api.put<Standing>('/achievements/leaderboard/listing', { is_listed }),
    achievementKeys.board,
  )

export const useDefinitions = () =>
  usePages<Definition>(achievementKeys.definitions, '/achievements/definitions', {}, { limit: 100 })

export const useDefinition = (id: string | undefined) =>
  useQuery({
    queryKey: [...achievementKeys.definitions, id],
    queryFn: ({ signal }) => api.get<Definition>(`/achievements/definitions/${id}`, { signal }),
    enabled: id !== undefined,
  })

export const useSaveDefinition = (id: string | undefined) =>
  useWrite(
    (input: Partial<DefinitionInput>) =>
      id === undefined
        ? api.post<Definition>('/achievements/definitions', input)
        : api.patch<Definition>(`/achievements/definitions/${id}`, input),
    achievementKeys.all,
  )

export const useSwitchDefinition = () =>
  useWrite(
    ({ id, is_enabled }: { id: string; is_enabled: boolean }) =>
      api.patch<Definition>(`/achievements/definitions/${id}`, { is_enabled }),
    achievementKeys.all,
  )

export const useDeleteDefinition = () =>
  useWrite((id: string) => api.delete<undefined>(`/achievements/definitions/${id}`), achievementKeys.all)

export const useResumeReplay = () =>
  useWrite(
    (id: string) => api.post<Definition>(`/achievements/definitions/${id}/replays`),
    achievementKeys.definitions,
  )

export const useEvents = () =>
  useQuery({
    queryKey: ['achievements', 'events'],
    queryFn: ({ signal }) => api.get<Items<CountableEvent>>('/achievements/events', { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })

export const useStartPreview = () =>
  useWrite((input: { rule: Rule; achievement_id: string | null }) =>
    api.post<Preview>('/achievements/previews', input),
  )

export const usePreview = (id: string | null) =>
  useQuery({
    queryKey: ['achievements', 'preview', id],
    queryFn: ({ signal }) => api.get<Preview>(`/achievements/previews/${id}`, { signal }),
    enabled: id !== null,
    // Its job tells of itself; this only bridges a connection that is down.
    refetchInterval: query => (query.state.data?.state === 'running' ? 2_000 : false),
  })

export const useStatistics = (days: number) =>
  useQuery({
    queryKey: ['achievements', 'statistics', days],
    queryFn: ({ signal }) =>
      api.get<Items<Statistic>>('/achievements/statistics', { query: { days }, signal }),
  })
