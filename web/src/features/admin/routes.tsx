import type { RouteObject } from 'react-router'

/** Routes under `/admin`, inside the shell. Paths are relative to it. */
const routes: RouteObject[] = [
  {
    lazy: () => import('./layout.tsx'),
    children: [
      { index: true, lazy: () => import('./index-page.tsx') },
      { path: 'setup', lazy: () => import('./setup/page.tsx') },
      { path: 'users', lazy: () => import('./users/page.tsx') },
      { path: 'roles', lazy: () => import('./roles.tsx') },
      { path: 'plans', lazy: () => import('./plans/page.tsx') },
      { path: 'sign-up', lazy: () => import('./sign-up/page.tsx') },
      { path: 'providers', lazy: () => import('./providers/page.tsx') },
      { path: 'models', lazy: () => import('./models/page.tsx') },
      { path: 'spend', lazy: () => import('./spend.tsx') },
      { path: 'usage', lazy: () => import('./usage/page.tsx') },
      { path: 'jobs', lazy: () => import('./jobs/page.tsx') },
      { path: 'health', lazy: () => import('./health.tsx') },
      { path: 'mailbox', lazy: () => import('./mailbox.tsx') },
    ],
  },
]
export default routes
