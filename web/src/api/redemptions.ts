import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import type { Rarity, Texts } from './cards.ts'
import { api, type Query } from './client.ts'
import { type PagesResult, usePages, useWrite } from './query.ts'

/** A card that the person has redeemed. */
export type CardItem = {
  id: string
  template_id: string
  template_version: number
  category: string
  rarity: Rarity
  name: string
  description: string
  /** Ids of files; the first is the cover. */
  images: string[]
  attributes: Record<string, unknown>
  rewards: { membership?: { plan: string; days: number }; points?: number }
  set_name: string | null
  acquired_at: string
}

export type Redemption = { item: CardItem; already_owned: boolean }

type Progress = { owned: number; total: number }
export type Collection = Progress & {
  items: number
  categories: (Progress & { category: string; titles: Texts })[]
  rarities: (Progress & { rarity: Rarity })[]
  sets: (Progress & { set_name: string })[]
}

export type UseAction = 'redeemed' | 'undone' | 'refused' | 'expired'
type Person = { id: string; name: string }

/** A row of the usage log. */
export type CardUse = {
  id: string
  seq: number
  at: string
  action: UseAction
  batch: { id: string; name: string } | null
  template_name: string | null
  number: number | null
  last4: string | null
  cards: number
  redemption_id: string | null
  is_undone: boolean
  reason: string | null
  user: Person | null
  acting_user: Person | null
  ip: string | null
  region: string | null
  note: string | null
}

export type Undone = {
  id: string
  card_state: 'issued' | 'expired' | 'void'
  membership: { plan: string; days: number } | null
}

export type UsageChain = {
  batch_id: string
  batch: { id: string; name: string } | null
  last_seq: number
  hash: string
  sealed_at: string
}

export type UsageFinding = {
  kind: string
  batch_id: string
  first_seq: number
  last_seq: number
  id: string | null
}
export type UsageVerification = {
  checked: number
  last_seq: number
  next_seq: number | null
  findings: UsageFinding[]
}

type Counts = { redeemed: number; undone: number; refused: number; expired: number }
export type CardsByDay = {
  from: string
  to: string
  issued_before: number
  redeemed_before: number
  unknown_codes: number | null
  days: (Counts & { day: string; issued: number })[]
}
export type CardsGroup = 'batch' | 'template' | 'channel' | 'region'
export type CardsByGroup = {
  items: (Counts & { key: string; name: string; issued: number | null; redeemed_in_all: number })[]
}
export type CardsExpiry = {
  items: {
    batch_id: string
    name: string
    template_name: string
    expires_at: string
    remaining: number
    redeemed_per_day: number
    expected_to_expire: number
  }[]
}

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
