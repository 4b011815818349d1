import { consumer } from '#core/events/events.ts'
import { defineModule } from '#core/module.ts'
import { billingKey } from '#modules/billing/contract.ts'
import { cardsKey } from '#modules/cards/contract.ts'
import { identityKey, UserDeleted } from '#modules/identity/contract.ts'
import { notificationsKey } from '#modules/notifications/contract.ts'
import { achievementsSettings } from './config.ts'
import { permissions } from './contract.ts'
import { createDefinitions } from './definitions.ts'
import { historyStore } from './history-store.ts'
import { installStarters } from './install-starters.ts'
import { eraseJob, statisticsJob } from './jobs.ts'
import { createLeaderboard } from './leaderboard.ts'
import { achievementsChannel, showUnlocked } from './live.ts'
import { migration as achievements0001 } from './migrations/0001_achievements.ts'
import { migration as points0002 } from './migrations/0002_points.ts'
import { migration as waves0003 } from './migrations/0003_waves.ts'
import { createPoints } from './points.ts'
import { createPreviewJob, createPreviews } from './previews.ts'
import { createProgress } from './progress.ts'
import { createRecorder } from './recorder.ts'
import { createReplayJob } from './replay.ts'
import { achievementsRoutes } from './routes.ts'
import { createRuleBooks } from './rule-book.ts'
import { createSurroundings } from './surroundings.ts'
import type { AchievementsTables } from './tables.ts'
import { createUnlocking } from './unlocking.ts'

export default defineModule({
  name: 'achievements',
  settings: achievementsSettings,
  permissions,
  migrations: [achievements0001, points0002, waves0003],
  setup({ core, settings, use }) {
    const db = core.db.withTables<AchievementsTables>()
    const identity = use(identityKey)
    const cards = use(cardsKey)
    const billing = use(billingKey)
    const books = createRuleBooks()
    const surroundingsOf = createSurroundings({ ...core, cards })
    const log = core.log.child('achievements')
    const unlocking = createUnlocking({
      ...core,
      log,
      billing,
      notifications: use(notificationsKey),
    })
    const deps = { ...core, db, settings, identity, books, unlocking, surroundingsOf }
    const replay = createReplayJob(deps)
    const preview = createPreviewJob(deps)
    const statistics = statisticsJob(deps)
    const erase = eraseJob(deps)
    const definitions = createDefinitions({ ...core, db, billing, replay })
    const previews = createPreviews({ ...core, db, definitions, job: preview })
    const leaderboard = createLeaderboard(deps)
    return {
      contract: leaderboard,
      routes: router =>
        achievementsRoutes(router, {
          db,
          definitions,
          previews,
          leaderboard,
          progress: createProgress(deps),
          points: createPoints({ db, cards }),
        }),
      jobs: [replay, preview, statistics, erase],
      cron: [{ name: 'achievements.update_statistics', schedule: '0 2 * * *', job: statistics }],
      consumers: [
        ...createRecorder(deps).consumers,
        showUnlocked(deps),
        consumer({
          name: 'achievements.forget_user',
          event: UserDeleted,
          async handle({ payload: { user_id } }, tx) {
            await historyStore.forgetUser(tx.withTables<AchievementsTables>(), user_id)
            await core.jobs.add(tx, erase, { user_id })
          },
        }),
      ],
      channels: [achievementsChannel],
      partitioned: [{ table: 'achievements_fact', retention_months: settings.ACHIEVEMENTS_RETENTION_MONTHS }],
      start: () => installStarters(db, definitions),
    }
  },
})
