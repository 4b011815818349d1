import type { RouteObject } from 'react-router'

/** Routes under `/achievements`, inside the shell. */
const routes: RouteObject[] = [
  { index: true, lazy: () => import('./progress-page.tsx') },
  { path: 'leaderboard', lazy: () => import('./leaderboard-page.tsx') },
  { path: 'manage', lazy: () => import('./manage/page.tsx') },
  { path: 'manage/new', lazy: () => import('./manage/editor-page.tsx') },
  { path: 'manage/:id', lazy: () => import('./manage/editor-page.tsx') },
]
export default routes
