import type { RouteObject } from 'react-router'

/** Routes under `/cards`, inside the shell. Paths are relative to it. */
const routes: RouteObject[] = [
  {
    lazy: () => import('./layout.tsx'),
    children: [
      { index: true, lazy: () => import('./index-page.tsx') },
      { path: 'collection', lazy: () => import('./collection/page.tsx') },
      { path: 'redeem', lazy: () => import('./redeem/page.tsx') },
      { path: 'templates', lazy: () => import('./templates/page.tsx') },
      { path: 'categories', lazy: () => import('./categories/page.tsx') },
      { path: 'batches', lazy: () => import('./batches/page.tsx') },
      { path: 'analytics', lazy: () => import('./analytics/page.tsx') },
      { path: 'usage', lazy: () => import('./usage/page.tsx') },
    ],
  },
]
export default routes

/** `/redeem?code=…`, inside the shell: what the QR codes of cards say. */
export const redeemRoute: RouteObject = { path: 'redeem', lazy: () => import('./redeem/from-qr.tsx') }
