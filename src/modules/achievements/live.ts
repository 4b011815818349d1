import type { Db } from '#core/db/db.ts'
import { type ConsumerDefinition, consumer } from '#core/events/events.ts'
import type { ChannelDefinition } from '#core/realtime/channels.ts'
import type { Realtime } from '#core/realtime/realtime.ts'
import { AchievementUnlocked } from './contract.ts'
import { definitionStore } from './definition-store.ts'
import type { TierName } from './rule.ts'
import type { AchievementsTables } from './tables.ts'

/** What is said on `achievements.user.{id}`: what the app pops up. Both names, since a user's apps may differ. */
export type AchievementNews = {
  type: 'achievement.unlocked'
  achievement_id: string
  tier: TierName
  names: { 'zh-CN': string; en: string }
  icon: string
  points: number
}

export const achievementsChannel: ChannelDefinition = {
  pattern: 'achievements.user.:user_id',
  authorize: async (actor, { user_id }) => actor.user_id === user_id,
}

/** Shows an unlocking at once, wherever the user has the app open. */
export const showUnlocked = ({
  db,
  realtime,
}: {
  db: Db<AchievementsTables>
  realtime: Pick<Realtime, 'publish'>
}): ConsumerDefinition =>
  consumer({
    name: 'achievements.show_unlocked',
    event: AchievementUnlocked,
    async handle({ payload: { achievement_id, user_id, tier } }) {
      const row = await definitionStore.find(db.primary, achievement_id)
      if (!row) return
      const points = row.rule.tiers.find(other => other.tier === tier)?.points ?? 0
      const news: AchievementNews = {
        type: 'achievement.unlocked',
        achievement_id,
        tier,
        names: row.names,
        icon: row.icon,
        points,
      }
      await realtime.publish(`achievements.user.${user_id}`, news)
    },
  })
