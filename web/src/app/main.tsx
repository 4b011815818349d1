import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { RouterProvider } from 'react-router/dom'
import { meQuery } from '#api/identity.ts'
import { realtime } from '#api/live.ts'
import { createQueryClient } from '#api/query.ts'
import { loadAntdLocale } from './i18n/antd-locale.ts'
import { detectLanguage, startI18n } from './i18n/i18n.ts'
import { Providers } from './providers.tsx'
import { createRouter } from './router.tsx'
import '#ui/global.css'

// After a new version the old one's pages are gone from the server: load the app again, but not in a circle.
addEventListener('vite:preloadError', event => {
  const last = Number(sessionStorage.getItem('banyan.reloaded') ?? 0)
  if (Date.now() - last < 60_000) return
  event.preventDefault()
  sessionStorage.setItem('banyan.reloaded', String(Date.now()))
  location.reload()
})

const queryClient = createQueryClient()
document.documentElement.lang = detectLanguage()
void queryClient.prefetchQuery(meQuery)
const router = createRouter()
const [antdLocale] = await Promise.all([loadAntdLocale(detectLanguage()), startI18n()])

// The live connection was refused as signed out: ask who is there, and go on if it is still the same person.
let askedAt = Number.NEGATIVE_INFINITY
realtime.onState(async () => {
  if (realtime.state() !== 'signed_out' || performance.now() - askedAt < 30_000) return
  askedAt = performance.now()
  await queryClient.refetchQueries({ queryKey: meQuery.queryKey })
  if (queryClient.getQueryData(meQuery.queryKey)) realtime.retry()
})

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <Providers queryClient={queryClient} antdLocale={antdLocale}>
      <RouterProvider router={router} />
    </Providers>
  </StrictMode>,
)
