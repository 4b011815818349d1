import type { Db } from '#core/db/db.ts'
import type { Router } from '#core/http/route.ts'
import type { Definitions } from './definitions.ts'
import type { Leaderboard } from './leaderboard.ts'
import type { Points } from './points.ts'
import type { Previews } from './previews.ts'
import type { ProgressService } from './progress.ts'
import { definitionRoutes } from './routes/definitions.ts'
import { playerRoutes } from './routes/players.ts'
import { previewRoutes } from './routes/previews.ts'
import { statisticRoutes } from './routes/statistics.ts'
import type { AchievementsTables } from './tables.ts'

export function achievementsRoutes(
  router: Router,
  services: {
    db: Db<AchievementsTables>
    definitions: Definitions
    previews: Previews
    leaderboard: Leaderboard
    progress: ProgressService
    points: Points
  },
): void {
  playerRoutes(router, services)
  definitionRoutes(router, services.definitions)
  previewRoutes(router, services.previews)
  statisticRoutes(router, services)
}
