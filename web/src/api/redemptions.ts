import type {
  CardsItem as CardItem,
  CardsByDay,
  CardsByGroup,
  CardsExpiry,
  CardsUse as CardUse,
  CardsCollection as Collection,
  CardsRedemption as Redemption,
  RouteQuery,
  CardsUndone as Undone,
  CardsUsageChain as UsageChain,
  CardsUsageVerification as UsageVerification,
} from '@banyan/sdk'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { api, type Query } from './client.ts'
import { type PagesResult, usePages, useWrite } from './query.ts'

export type { CardItem, CardsByDay, CardsByGroup, CardsExpiry, CardUse, Collection, Redemption, UsageChain }

export type UseAction = CardUse['action']
export type UsageFinding = UsageVerification['findings'][number]
export type CardsGroup = RouteQuery<'GET /api/v1/cards/analytics/groups'>['by']

const keys = {
  items: ['cards', 'items'] as const,
  collection: ['cards', 'collection'] as const,
  usage: ['cards', 'usage'] as const,
  analytics: ['cards', 'analytics'] as const,
}

/** Again with the same code it answers with the same card, so a retry needs no key. */
export const useRedeem = () =>
  useWrite(
    (code: string) => api.post<Redemption>('/cards/redemptions', { code }),
    keys.items,
    keys.collection,
  )

export const useItems = (filter: Query): PagesResult<CardItem> =>
  usePages<CardItem>(keys.items, '/cards/items', filter, { limit: 48 })

export const useItem = (id: string | undefined) =>
  useQuery({
    queryKey: [...keys.items, 'one', id],
    queryFn: ({ signal }) => api.get<CardItem>(`/cards/items/${id}`, { signal }),
    enabled: id !== undefined,
  })

export const useCollection = () =>
  useQuery({
    queryKey: keys.collection,
    queryFn: ({ signal }) => api.get<Collection>('/cards/collection', { signal }),
  })

export const useUses = (filter: Query): PagesResult<CardUse> =>
  usePages<CardUse>(keys.usage, '/cards/usage', filter)

export const useUndo = () =>
  useWrite(
    ({ id, ...body }: { id: string; reason: string; void_card: boolean }) =>
      api.post<Undone>(`/cards/redemptions/${id}/undo`, body),
    keys.usage,
    keys.analytics,
  )

export const useUsageChains = (isEnabled: boolean): PagesResult<UsageChain> =>
  usePages<UsageChain>(
    [...keys.usage, 'chains'],
    '/cards/usage-chains',
    {},
    { limit: 100, enabled: isEnabled },
  )

/** Verifies the log of one batch to its end; `onProgress` hears how far it is, from 0 to 1. */
export const useVerify = () =>
  useMutation({
    async mutationFn({ id, onProgress }: { id: string; onProgress: (fraction: number) => void }) {
      let rows = 0
      const findings: UsageFinding[] = []
      for (let next: number | null = 1; next !== null; ) {
        const result: UsageVerification = await api.get(`/cards/usage-chains/${id}/verification`, {
          query: { from_seq: next },
        })
        rows += result.checked
        findings.push(...result.findings)
        next = result.next_seq
        onProgress(next === null ? 1 : next / Math.max(1, result.last_seq))
      }
      return { rows, findings }
    },
  })

const useAnalytics = <T>(part: string, query: Query) =>
  useQuery({
    queryKey: [...keys.analytics, part, query],
    queryFn: ({ signal }) => api.get<T>(`/cards/analytics/${part}`, { query, signal }),
    placeholderData: keepPreviousData,
  })

export const useCardsByDay = (query: Query) => useAnalytics<CardsByDay>('days', query)
export const useCardsByGroup = (by: CardsGroup, query: Query) =>
  useAnalytics<CardsByGroup>('groups', { ...query, by })
export const useCardsExpiry = () => useAnalytics<CardsExpiry>('expiry', {})
