import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { type AchievementNews, achievementKeys } from '#api/achievements.ts'
import { useChannel } from '#api/live.ts'
import { useCan, useMe } from '#api/me.ts'

const UnlockToasts = lazy(() => import('./unlock-toasts.tsx'))

export type Shown = AchievementNews & { key: string }

/** More at once would hide the page; the rest is on the page of achievements. */
const mostShown = 3

/** Hears of unlocked achievements wherever the person is, and shows them. Nothing is loaded before the first. */
export function UnlockListener() {
  const me = useMe()
  const client = useQueryClient()
  const canHave = useCan()('achievements.use')
  const [shown, setShown] = useState<readonly Shown[]>([])
  useChannel<AchievementNews>(canHave ? `achievements.user.${me.id}` : null, {
    onItems: items => {
      const fresh = items.map(({ data }) => ({ ...data, key: `${data.achievement_id} ${data.tier}` }))
      setShown(old =>
        [...old.filter(({ key }) => !fresh.some(other => other.key === key)), ...fresh].slice(-mostShown),
      )
      void client.invalidateQueries({ queryKey: achievementKeys.progress })
      void client.invalidateQueries({ queryKey: achievementKeys.board })
    },
  })
  if (shown.length === 0) return null
  const close = (key: string) => setShown(old => old.filter(other => other.key !== key))
  return (
    <Suspense fallback={null}>
      <UnlockToasts shown={shown} onClose={close} />
    </Suspense>
  )
}
