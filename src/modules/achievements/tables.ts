import type { Generated, JSONColumnType } from 'kysely'
import type { Locale } from '#core/errors.ts'
import type { PreviewResult } from './preview-result.ts'
import type { Rule, TierName } from './rule.ts'
import type { Fact } from './tally.ts'

export type AchievementsTables = {
  achievements_achievement: {
    id: string
    /** Of those that Banyan brings. */
    starter_key: string | null
    names: JSONColumnType<Record<Locale, string>>
    descriptions: JSONColumnType<Record<Locale, string>>
    icon: string
    is_hidden: Generated<boolean>
    is_enabled: Generated<boolean>
    position: Generated<number>
    /** The rule that holds now. */
    version_id: string
    created_at: Generated<string>
    updated_at: Generated<string>
  }
  achievements_version: {
    id: string
    achievement_id: string
    number: number
    rule: JSONColumnType<Rule>
    /** True once all history has been counted. */
    is_replayed: Generated<boolean>
    replay_job_id: string | null
    /** The last user whose history has been counted, and how many those are. */
    replay_after: string | null
    replay_users: Generated<number>
    created_by: string | null
    created_at: Generated<string>
  }
  achievements_epoch: { number: number }
  /** Append-only, but for the mark of what was undone and the erasure of users. Partitioned by month. */
  achievements_fact: {
    id: string
    user_id: string
    event: string
    /** What an undoing event names. */
    subject_id: string | null
    occurred_at: string
    day: string
    fields: JSONColumnType<Fact['fields']>
    is_retracted: Generated<boolean>
  }
  achievements_tally: {
    user_id: string
    version_id: string
    condition: number
    day: string
    value: string
    amount: number
  }
  achievements_place: { version_id: string; condition: number; taken: number }
  achievements_user: {
    user_id: string
    points: Generated<number>
    points_at: Generated<string>
    is_listed: Generated<boolean>
    is_erased: Generated<boolean>
  }
  achievements_unlock: {
    user_id: string
    achievement_id: string
    tier: TierName
    version: number
    points: number
    /** When the deciding fact happened. */
    unlocked_at: string
    created_at: Generated<string>
  }
  /** Points that cards brought. */
  achievements_card_points: {
    redemption_id: string
    user_id: string
    template_id: string
    points: number
    granted_at: string
    /** When an undone redemption took them back. */
    undone_at: string | null
  }
  achievements_statistic: {
    day: string
    achievement_id: string
    tier: TierName
    /** On that day. */
    unlocked: number
    /** At the end of that day. */
    holders: number
    users: number
  }
  achievements_preview: {
    id: string
    owner_id: string
    job_id: string | null
    rule: JSONColumnType<Rule>
    result: JSONColumnType<PreviewResult>
    created_at: Generated<string>
  }
}
