import type { RouteObject } from 'react-router'

/** Routes under `/chat`, inside the shell. Paths are relative to it. */
const routes: RouteObject[] = [
  {
    lazy: () => import('./layout.tsx'),
    children: [
      { path: 'memories', lazy: () => import('./memory/memories-page.tsx') },
      { path: 'bots', lazy: () => import('./bots/bots-page.tsx') },
      // One route, so that the composer stays where it is when the first question makes a conversation.
      { path: ':id?', lazy: () => import('./conversation-page.tsx') },
    ],
  },
]
export default routes

/** Routes from the root that need no sign-in and show no shell, such as `/share/:token`. */
export const publicRoutes: RouteObject[] = [
  { path: 'share/:token', lazy: () => import('./share/shared-page.tsx') },
]
