import { useQuery } from '@tanstack/react-query'
import { Suspense, useEffect, useEffectEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Navigate, NavLink, Outlet, useLocation } from 'react-router'
import { meQuery } from '#api/identity.ts'
import { MeProvider, useMe } from '#api/me.ts'
import type { Me } from '#api/types.ts'
import { ErrorState } from '#ui/error.tsx'
import { Mark } from '#ui/mark.tsx'
import { PersonAvatar } from '#ui/person-avatar.tsx'
import { BoxSkeleton, PageSkeleton } from '#ui/skeleton.tsx'
import { isThemeChoice, useTheme } from '#ui/theme-mode.tsx'
import { useNarrow } from '#ui/use-narrow.ts'
import { UnlockListener } from '../features/achievements/unlock-listener.tsx'
import { isLanguage, setLanguage } from './i18n/i18n.ts'
import { PersonMenu } from './person-menu.tsx'
import { useProducts } from './products.tsx'
import style from './shell.module.css'

/** The frame of everything behind the sign-in: product bar, person's menu, and the page. */
export function Shell() {
  const me = useQuery(meQuery)
  const location = useLocation()
  if (me.data === null) {
    const next = location.pathname + location.search + location.hash
    return <Navigate to={next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`} replace />
  }
  if (me.data) {
    return (
      <MeProvider value={me.data}>
        <Frame />
      </MeProvider>
    )
  }
  if (me.isError) {
    return (
      <main className={style.centered}>
        <ErrorState error={me.error} onRetry={() => me.refetch()} />
      </main>
    )
  }
  return <ShellSkeleton />
}

function Frame() {
  const { t } = useTranslation('app')
  const isNarrow = useNarrow()
  useAccountLooks(useMe())
  return (
    <div className={style.shell}>
      <a className={style.skip} href="#main">
        {t('shell.skip')}
      </a>
      {!isNarrow && <ProductBar />}
      <main id="main" className={style.main} tabIndex={-1}>
        <Suspense fallback={<PageSkeleton />}>
          <Outlet />
        </Suspense>
      </main>
      {isNarrow && <BottomBar />}
      <UnlockListener />
    </div>
  )
}

/** Once per account: its language and looks win over what this browser remembered. */
function useAccountLooks(me: Me) {
  const { i18n } = useTranslation('app')
  const { setChoice } = useTheme()
  const apply = useEffectEvent(() => {
    if (isLanguage(me.locale) && me.locale !== i18n.language) void setLanguage(me.locale)
    if (isThemeChoice(me.preferences.theme)) setChoice(me.preferences.theme)
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: another person is the one reason to do it again.
  useEffect(() => apply(), [me.id])
}

function ProductBar() {
  const { t } = useTranslation('app')
  return (
    <header className={style.bar}>
      <NavLink to="/" className={style.mark} aria-label="Banyan">
        <Mark />
      </NavLink>
      <nav className={style.products} aria-label={t('shell.products')}>
        <ProductLinks />
      </nav>
      <PersonMenu />
    </header>
  )
}

function BottomBar() {
  const { t } = useTranslation('app')
  const me = useMe()
  return (
    <nav className={style.bottomBar} aria-label={t('shell.products')}>
      <ProductLinks />
      <NavLink to="/settings" className={style.product}>
        <PersonAvatar name={me.display_name} url={me.avatar_url} size={22} />
        <span>{t('shell.me')}</span>
      </NavLink>
    </nav>
  )
}

function ProductLinks() {
  const { t } = useTranslation('app')
  return useProducts().map(product => (
    <NavLink key={product.key} to={product.path} className={style.product}>
      <span className={style.productIcon} aria-hidden="true">
        {product.icon}
      </span>
      <span>{t(`products.${product.key}`)}</span>
    </NavLink>
  ))
}

/** The frame while it is not yet known who is there. */
export function ShellSkeleton() {
  const isNarrow = useNarrow()
  return (
    <div className={style.shell} aria-hidden="true">
      {!isNarrow && (
        <div className={style.bar}>
          <span className={style.mark}>
            <Mark />
          </span>
          <div className={style.products}>
            <BoxSkeleton shape="bar" />
            <BoxSkeleton shape="bar" />
          </div>
        </div>
      )}
      <div className={style.main}>
        <PageSkeleton />
      </div>
      {isNarrow && <div className={style.bottomBar} />}
    </div>
  )
}
