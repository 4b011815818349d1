import type { Generated } from 'kysely'

export type MediaKind = 'music' | 'dance'

export type MediaTables = { devices_media: MediaTable }

type MediaTable = {
  id: string
  kind: MediaKind
  title: string
  artist: Generated<string>
  style: Generated<string>
  description: Generated<string>
  /** Null: nobody knows. */
  duration_ms: number | null
  /** The card that unlocks it. Null: it is for everybody. */
  template_id: string | null
  media_type: string
  /** Bytes. */
  size: number
  storage_key: string
  /** Of title, artist, style and description: see core/db/search.ts. */
  search: Generated<string>
  created_at: Generated<string>
  updated_at: Generated<string>
}
