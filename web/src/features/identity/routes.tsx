import type { RouteObject } from 'react-router'

/** Ways in; from the root, without the shell. */
export const publicRoutes: RouteObject[] = [
  {
    lazy: () => import('./guest-layout.tsx'),
    children: [
      { path: 'sign-in', lazy: () => import('./sign-in.tsx') },
      { path: 'sign-up', lazy: () => import('./sign-up.tsx') },
      { path: 'sign-in/link', lazy: () => import('./sign-in-link.tsx') },
      { path: 'forgot-password', lazy: () => import('./forgot-password.tsx') },
      { path: 'verify-email', lazy: () => import('./verify-email.tsx') },
      { path: 'reset-password', lazy: () => import('./reset-password.tsx') },
    ],
  },
]

/** Under `/settings`, inside the shell. */
export const settingsRoutes: RouteObject[] = [
  {
    lazy: () => import('./settings/layout.tsx'),
    children: [
      { index: true, lazy: () => import('./settings/index-page.tsx') },
      { path: 'profile', lazy: () => import('./settings/profile.tsx') },
      { path: 'preferences', lazy: () => import('./settings/preferences.tsx') },
      { path: 'security', lazy: () => import('./settings/security.tsx') },
      { path: 'tokens', lazy: () => import('./settings/tokens.tsx') },
      { path: 'sign-ins', lazy: () => import('./settings/sign-ins.tsx') },
      { path: 'organisations', lazy: () => import('./settings/organisations.tsx') },
      { path: 'organisations/join', lazy: () => import('./settings/join-organisation.tsx') },
      { path: 'organisations/:id', lazy: () => import('./settings/organisation.tsx') },
    ],
  },
]
