import type { RouteObject } from 'react-router'

/** Routes under `/devices`, inside the shell. Paths are relative to it. */
const routes: RouteObject[] = [
  {
    lazy: () => import('./layout.tsx'),
    children: [
      { index: true, lazy: () => import('./my/list-page.tsx') },
      { path: 'add', lazy: () => import('./my/add-page.tsx') },
      { path: 'offers', lazy: () => import('./my/offer-page.tsx') },
      { path: 'library', lazy: () => import('./library/page.tsx') },
      { path: 'virtual', lazy: () => import('./virtual/page.tsx') },
      { path: 'my/:id', lazy: () => import('./my/device-page.tsx') },
      { path: 'admin/registrations', lazy: () => import('./admin/registrations-page.tsx') },
      { path: 'admin/speed', lazy: () => import('./turns.tsx') },
      { path: 'admin/types', lazy: () => import('./admin/types-page.tsx') },
      { path: 'admin/batches', lazy: () => import('./admin/batches-page.tsx') },
      { path: 'admin/batches/:id', lazy: () => import('./admin/batch-page.tsx') },
      { path: 'admin/firmware', lazy: () => import('./admin/firmware-page.tsx') },
      { path: 'admin/groups', lazy: () => import('./admin/groups-page.tsx') },
      { path: 'admin/broadcasts', lazy: () => import('./admin/broadcasts-page.tsx') },
    ],
  },
]
export default routes
