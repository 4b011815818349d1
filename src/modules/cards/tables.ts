import type { ColumnType, Generated } from 'kysely'
import type { CategoryTitles, Rarity, Rewards } from './contract.ts'

/*
 * The module's tables, as Kysely sees them. Times are ISO 8601 texts both ways. JSON is written as text and read
 * parsed.
 */
export type CardsTables = {
  cards_category: CategoryTable
  cards_template: TemplateTable
  cards_template_version: TemplateVersionTable
  cards_file: FileTable
  cards_batch: BatchTable
  cards_card: CardTable
  cards_export: ExportTable
}

type Json<T> = ColumnType<T, string, string>

type CategoryTable = {
  name: string
  titles: Json<CategoryTitles>
  schema: Json<Record<string, unknown>>
  is_builtin: Generated<boolean>
  created_at: Generated<string>
  updated_at: Generated<string>
}

type TemplateTable = {
  id: string
  category: string
  state: Generated<'draft' | 'published' | 'archived'>
  /** The newest version. */
  version: Generated<number>
  created_at: Generated<string>
  updated_at: Generated<string>
}

/** Never changed once written: a printed card keeps the version it was printed with. */
type TemplateVersionTable = {
  template_id: string
  version: number
  name: string
  description: string
  /** Ids of `cards_file`. */
  images: string[]
  attributes: Json<Record<string, unknown>>
  rarity: Rarity
  rewards: Json<Rewards>
  /** The set that a collector completes. */
  set_name: string | null
  /** Images, and files that the attributes name. */
  file_ids: string[]
  created_by: string
  created_at: Generated<string>
}

type FileTable = {
  id: string
  kind: 'image' | 'audio'
  name: string
  media_type: string
  size: number
  storage_key: string
  created_at: Generated<string>
}

type BatchTable = {
  id: string
  template_id: string
  template_version: number
  name: string
  quantity: number
  state: Generated<'draft' | 'generating' | 'ready' | 'released' | 'frozen' | 'void'>
  /** How its validity was entered: until a time, or days after its release. At most one of the two. */
  valid_until: string | null
  valid_days: number | null
  /** Until when its cards may be redeemed, known from the release on (`valid_until` at once). Null: no end. */
  expires_at: string | null
  channel: string | null
  notes: string
  /** What its codes are made from, encrypted together with the id of the key. Null once destroyed. */
  secret: string | null
  secret_destroyed_at: string | null
  /** Which of the server's keys the `code_hash` of its cards is made with. Null until generation begins. */
  hash_key_id: string | null
  /** How many of its cards are stored; cards 1 to this number exist. */
  generated: Generated<number>
  job_id: string | null
  created_by: string
  created_at: Generated<string>
  updated_at: Generated<string>
  /** When it was first released. */
  released_at: string | null
}

/** A printed code. It may be redeemed while it is `issued`, its batch `released` and that batch's end not reached. */
type CardTable = {
  batch_id: string
  /** 1 to the quantity of the batch. */
  number: number
  /** Which code of this number it is: above 0 only where an earlier one existed already (see `codes.ts`). */
  attempt: Generated<number>
  /** HMAC of the code, see `hashCode` in `codes.ts`. The code itself is nowhere. */
  code_hash: Buffer
  last4: string
  state: Generated<'issued' | 'redeemed' | 'expired' | 'void'>
  redeemed_by: string | null
  redeemed_at: string | null
}

/** Who took the codes of a batch out of the house. Rows are kept as long as the batch. */
type ExportTable = {
  id: string
  batch_id: string
  format: 'csv' | 'svg' | 'pdf' | 'png'
  options: Json<{ from: number; to: number; [option: string]: unknown }>
  /** `cut`: the reader went away, or the server stopped; `cards` says how far it came. */
  state: Generated<'running' | 'finished' | 'cut'>
  cards: Generated<number>
  requested_by: string
  created_at: Generated<string>
  updated_at: Generated<string>
  finished_at: string | null
}
