import type {
  AchievementProgress,
  AchievementBoardEntry as BoardEntry,
  AchievementCondition as Condition,
  AchievementEvent as CountableEvent,
  AchievementDefinition as Definition,
  AchievementFilter as Filter,
  AchievementPoints as PointsEntry,
  AchievementPreview as Preview,
  RouteBody,
  RouteResponse,
  AchievementRule as Rule,
  AchievementStanding as Standing,
  AchievementStatistic as Statistic,
  AchievementTier as Tier,
  AchievementWindow as Window,
} from '@banyan/sdk'
import { useQuery } from '@tanstack/react-query'
import { api } from './client.ts'
import { usePages, useWrite } from './query.ts'
import type { Items } from './types.ts'

export type {
  AchievementProgress,
  BoardEntry,
  Condition,
  CountableEvent,
  Definition,
  Filter,
  PointsEntry,
  Preview,
  Rule,
  Tier,
  Window,
}

type TierName = Tier['tier']
export const tierNames = ['bronze', 'silver', 'gold', 'platinum', 'diamond'] as const satisfies TierName[]
export type Texts = Definition['names']
export type FilterOp = Filter['op']
export type ConditionType = Condition['type']
export type ProgressTier = AchievementProgress['tiers'][number]
export type ProgressList = RouteResponse<'GET /api/v1/achievements/progress'>
export type DefinitionInput = Required<RouteBody<'POST /api/v1/achievements/definitions'>>
export type EventField = CountableEvent['fields'][number]

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

/** Where the person's points come from. */
export const usePoints = () =>
  usePages<PointsEntry>([...achievementKeys.progress, 'points'], '/achievements/points')

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
