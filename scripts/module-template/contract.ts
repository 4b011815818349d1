import { z } from 'zod'
import { defineError } from '#core/errors.ts'
import { defineEvent } from '#core/events/events.ts'
import { contractKey, type PermissionDefinition } from '#core/module.ts'

export const Item = z
  .object({ id: z.uuid(), title: z.string(), created_at: z.string() })
  .meta({ id: 'SampleItem' })
export type Item = z.output<typeof Item>

/** What other modules may ask for. */
export type Sample = {
  /** How many items each of these users has; those who have none are left out. */
  countItems(user_ids: readonly string[]): Promise<Map<string, number>>
}

export const sampleKey = contractKey<Sample>('sample')

export const permissions: readonly PermissionDefinition[] = [
  { name: 'sample.use', roles: ['super_admin', 'admin', 'agency_admin', 'streamer', 'assistant', 'user'] },
]

export const ItemCreated = defineEvent(
  'sample.item.created',
  z.object({ item_id: z.uuid(), user_id: z.uuid() }),
)

export const titleTooLong = defineError({
  code: 'sample.title_too_long',
  status: 422,
  en: 'The title has {length} characters; at most {limit} fit.',
  'zh-CN': '标题有 {length} 个字符，超过了 {limit} 个的上限。',
})
