import type { Generated } from 'kysely'

export type SampleTables = {
  sample_item: {
    id: string
    user_id: string
    title: string
    created_at: Generated<string>
  }
}
