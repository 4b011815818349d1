import type {
  CardsBatch as CardBatch,
  CardsExport as CardExport,
  CardsFile as CardFile,
  CardsCategory,
  CardsTemplate as CardTemplate,
  CardsSheetPlan as SheetPlan,
  CardsTemplateVersion as TemplateVersion,
} from '@banyan/sdk'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, newIdempotencyKey, type Query } from './client.ts'
import { useChannel } from './live.ts'
import { usePages, useWrite } from './query.ts'
import type { Items } from './types.ts'

export type { CardBatch, CardExport, CardTemplate, SheetPlan }

export type Rarity = CardTemplate['rarity']
export type Texts = CardsCategory['titles']

/** One node of a category's JSON Schema: only what forms are made of. */
export type AttributeNode = {
  type: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  title?: string
  description?: string
  'x-titles'?: Texts
  properties?: Record<string, AttributeNode>
  required?: string[]
  items?: AttributeNode
  enum?: (string | number)[]
  'x-enum-titles'?: Record<string, Texts>
  format?: 'audio' | 'image' | 'date'
  minimum?: number
  maximum?: number
  maxLength?: number
  pattern?: string
  maxItems?: number
}

export type CardCategory = Omit<CardsCategory, 'schema'> & { schema: AttributeNode }

export type TemplateContent = Omit<TemplateVersion, 'version' | 'created_at'>
type BatchInput = Pick<CardBatch, 'name' | 'quantity' | 'valid_until' | 'valid_days' | 'channel' | 'notes'>

const keys = {
  categories: ['cards', 'categories'] as const,
  templates: ['cards', 'templates'] as const,
  batches: ['cards', 'batches'] as const,
  batch: (id: string) => ['cards', 'batch', id] as const,
}

/** Where a picture or a piece of music of a template is. */
export const cardFilePath = (id: string): string => `/cards/files/${id}/content`

export const useUploadCardFile = () =>
  useMutation({ mutationFn: (file: File) => api.upload<CardFile>('POST', '/cards/files', file) })

/* Categories */

export const useCardCategories = () =>
  useQuery({
    queryKey: keys.categories,
    queryFn: ({ signal }) => api.get<Items<CardCategory>>('/cards/categories', { signal }),
  })

type CategoryInput = { name: string; titles: Texts; schema: unknown }

export const useSaveCategory = (isNew: boolean) =>
  useWrite(
    ({ name, ...input }: CategoryInput) =>
      isNew
        ? api.post<CardCategory>('/cards/categories', { name, ...input })
        : api.put<CardCategory>(`/cards/categories/${name}`, input),
    keys.categories,
  )

export const useDeleteCategory = () =>
  useWrite((name: string) => api.delete(`/cards/categories/${name}`), keys.categories)

/* Templates */

export const useTemplates = (
  filter: { category?: string; rarity?: string; state?: string; q?: string } = {},
  enabled = true,
) => usePages<CardTemplate>(keys.templates, '/cards/templates', filter, { enabled })

export const useTemplate = (id: string | undefined) =>
  useQuery({
    queryKey: [...keys.templates, 'one', id],
    queryFn: ({ signal }) => api.get<CardTemplate>(`/cards/templates/${id}`, { signal }),
    enabled: id !== undefined,
  })

export const useTemplateVersions = (id: string) =>
  usePages<TemplateVersion>(
    [...keys.templates, 'versions', id],
    `/cards/templates/${id}/versions`,
    {},
    { limit: 20 },
  )

export const useCreateTemplate = () =>
  useWrite(
    (input: TemplateContent & { category: string }) => api.post<CardTemplate>('/cards/templates', input),
    keys.templates,
  )

export const useChangeTemplate = (id: string) =>
  useWrite(
    (input: TemplateContent & { base_version: number }) =>
      api.put<CardTemplate>(`/cards/templates/${id}`, input),
    keys.templates,
  )

export const useSetTemplateState = (id: string) =>
  useWrite(
    (state: CardTemplate['state']) => api.patch<CardTemplate>(`/cards/templates/${id}`, { state }),
    keys.templates,
  )

export const useMemberships = (enabled = true) =>
  useQuery({
    enabled,
    queryKey: ['cards', 'memberships'],
    queryFn: ({ signal }) => api.get<Items<{ id: string; names: Texts }>>('/cards/memberships', { signal }),
  })

/* Batches */

export const useBatches = (filter: { state?: string; template_id?: string } = {}) =>
  usePages<CardBatch>(keys.batches, '/cards/batches', filter)

/** A batch, kept up to date while its cards are made. */
export function useBatch(id: string) {
  const client = useQueryClient()
  const key = keys.batch(id)
  useChannel<{ type: 'batch.updated'; batch: CardBatch }>(`cards.batch.${id}`, {
    onItems: items => {
      const batch = items.at(-1)?.data.batch
      if (!batch) return
      client.setQueryData(key, batch)
      if (batch.generated === batch.quantity || batch.generated === 0)
        void client.invalidateQueries({ queryKey: keys.batches })
    },
    onReady: () => void client.invalidateQueries({ queryKey: key }),
  })
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.get<CardBatch>(`/cards/batches/${id}`, { signal }),
  })
}

type NewBatch = BatchInput & ({ template_id: string } | { set_name: string })

/** Makes one batch, or those of a set; each call is one act, which a retry does not repeat. */
export const useCreateBatches = () =>
  useWrite(async (input: NewBatch): Promise<CardBatch[]> => {
    const idempotencyKey = newIdempotencyKey()
    if ('set_name' in input)
      return (await api.post<Items<CardBatch>>('/cards/batch-sets', input, { idempotencyKey })).items
    return [await api.post<CardBatch>('/cards/batches', input, { idempotencyKey })]
  }, keys.batches)

export const useMoveBatch = (id: string) =>
  useWrite(
    (move: 'generate' | 'release' | 'freeze' | 'void') => api.post<CardBatch>(`/cards/batches/${id}/${move}`),
    keys.batches,
    keys.batch(id),
  )

export const useDeleteBatch = () => useWrite((id: string) => api.delete(`/cards/batches/${id}`), keys.batches)

export const useDestroySecret = (id: string) =>
  useWrite(() => api.delete<CardBatch>(`/cards/batches/${id}/secret`), keys.batches, keys.batch(id))

/** Read again while it is shown: one that runs says there how far it is. */
export const useExports = (id: string) =>
  usePages<CardExport>(
    [...keys.batch(id), 'exports'],
    `/cards/batches/${id}/exports`,
    {},
    { limit: 20, refetchInterval: 5_000 },
  )

export const useSheetPlan = (id: string, query: Query, enabled: boolean) =>
  useQuery({
    queryKey: [...keys.batch(id), 'plan', query],
    queryFn: ({ signal }) => api.get<SheetPlan>(`/cards/batches/${id}/sheet-plan`, { query, signal }),
    enabled,
    placeholderData: previous => previous,
  })
