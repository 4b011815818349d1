import type { Transaction } from 'kysely'
import type { Clock } from '#core/clock.ts'
import { AppError } from '#core/errors.ts'
import type { Events } from '#core/events/events.ts'
import type { Log } from '#core/log.ts'
import type { Billing } from '#modules/billing/contract.ts'
import { defineNotification, type Notifications } from '#modules/notifications/contract.ts'
import { AchievementUnlocked } from './contract.ts'
import type { Tier, TierName } from './rule.ts'
import type { LiveRule } from './rule-book.ts'
import type { AchievementsTables } from './tables.ts'
import { unlockStore } from './unlock-store.ts'

const tierTexts: Record<TierName, { 'zh-CN': string; en: string }> = {
  bronze: { 'zh-CN': '铜', en: 'Bronze' },
  silver: { 'zh-CN': '银', en: 'Silver' },
  gold: { 'zh-CN': '金', en: 'Gold' },
  platinum: { 'zh-CN': '铂金', en: 'Platinum' },
  diamond: { 'zh-CN': '钻石', en: 'Diamond' },
}

const unlockedNotice = defineNotification<{
  achievement_id: string
  tier: string
  name_zh: string
  name_en: string
  tier_zh: string
  tier_en: string
  points: number
}>({
  name: 'achievements.achievement_unlocked',
  texts: {
    'zh-CN': { title: '解锁成就「{name_zh}」', body: '{tier_zh}级，获得 {points} 点。' },
    en: { title: 'Achievement unlocked: {name_en}', body: '{tier_en}, worth {points} points.' },
  },
  path: '/achievements',
  is_emailed: false,
})

export type Unlocking = ReturnType<typeof createUnlocking>

/** What happens when tiers are reached: each once for each user, with its points, rewards, event and notification. */
export function createUnlocking({
  clock,
  log,
  events,
  billing,
  notifications,
}: {
  clock: Clock
  log: Log
  events: Events
  billing: Pick<Billing, 'grantDays'>
  notifications: Pick<Notifications, 'notify'>
}) {
  async function reward(
    tx: Transaction<AchievementsTables>,
    userId: string,
    achievementId: string,
    { tier, rewards }: Tier,
  ) {
    if (rewards.membership === null) return
    const { plan, days } = rewards.membership
    const key = `achievements.${achievementId}.${tier}`
    try {
      await billing.grantDays(userId, plan, days, { reason: 'achievement', key, tx })
    } catch (error) {
      // A plan that is gone must not keep people from the achievement.
      if (!(error instanceof AppError)) throw error
      log.warn({ error, achievement_id: achievementId, plan }, 'the reward of an achievement was not given')
    }
  }

  return {
    /** Part of the caller's transaction, which holds the user's lock. `reached` in any order, with when it happened. */
    async grant(
      tx: Transaction<AchievementsTables>,
      userId: string,
      live: LiveRule,
      reached: readonly { tier: Tier; at: string }[],
    ): Promise<void> {
      if (reached.length === 0) return
      const { achievement_id, number: version } = live
      const at = new Date(clock.now()).toISOString()
      const fresh = await unlockStore.insert(
        tx,
        userId,
        { achievement_id, version, at },
        reached.map(({ tier: { tier, points }, at: unlocked_at }) => ({ tier, points, unlocked_at })),
      )
      if (!fresh) return
      const { names, tiers } = fresh
      for (const { tier } of reached) {
        if (!tiers.includes(tier.tier)) continue
        await reward(tx, userId, achievement_id, tier)
        await events.publish(tx, AchievementUnlocked, { achievement_id, user_id: userId, tier: tier.tier })
        const texts = tierTexts[tier.tier]
        await notifications.notify(
          userId,
          unlockedNotice,
          {
            achievement_id,
            tier: tier.tier,
            name_zh: names['zh-CN'],
            name_en: names.en,
            tier_zh: texts['zh-CN'],
            tier_en: texts.en,
            points: tier.points,
          },
          { tx, key: `${achievement_id}.${tier.tier}` },
        )
      }
    },
  }
}
