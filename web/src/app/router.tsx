import { createBrowserRouter, Navigate, Outlet, type RouteObject } from 'react-router'
import achievementsRoutes from '../features/achievements/routes.tsx'
import adminRoutes from '../features/admin/routes.tsx'
import cardsRoutes, { redeemRoute } from '../features/cards/routes.tsx'
import chatRoutes, { publicRoutes as chatPublicRoutes } from '../features/chat/routes.tsx'
import devicesRoutes from '../features/devices/routes.tsx'
import { publicRoutes as identityPublicRoutes, settingsRoutes } from '../features/identity/routes.tsx'
import { CrashPage } from './crash.tsx'
import { NotFoundPage } from './not-found.tsx'
import style from './shell.module.css'
import { Shell, ShellSkeleton } from './shell.tsx'
import { StatusBars } from './status-bars.tsx'

/** Pages are lazy; the features' route files are small lists and come with the app. */
const routes: RouteObject[] = [
  {
    Component: Root,
    ErrorBoundary: CrashPage,
    HydrateFallback: ShellSkeleton,
    children: [
      ...identityPublicRoutes,
      ...chatPublicRoutes,
      {
        Component: Shell,
        children: [
          {
            // A page that fails leaves the bar standing.
            ErrorBoundary: CrashPage,
            children: [
              { index: true, element: <Navigate to="/chat" replace /> },
              { path: 'chat', children: chatRoutes },
              { path: 'cards', children: cardsRoutes },
              redeemRoute,
              { path: 'devices', children: devicesRoutes },
              { path: 'achievements', children: achievementsRoutes },
              { path: 'admin', children: adminRoutes },
              { path: 'settings', children: settingsRoutes },
              { path: '*', Component: NotFoundPage },
            ],
          },
        ],
      },
    ],
  },
]

function Root() {
  return (
    <div className={style.root}>
      <StatusBars />
      <div className={style.view}>
        <Outlet />
      </div>
    </div>
  )
}

export const createRouter = () => createBrowserRouter(routes)
