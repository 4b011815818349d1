import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { useLocation, useNavigate } from 'react-router'
import { useAcceptOffer, useOfferLink } from '#api/devices.ts'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorAlert, ErrorState } from '#ui/error.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page } from '#ui/page.tsx'
import { PageSkeleton } from '#ui/skeleton.tsx'

/** What an invitation link leads to. The token stands behind the `#`, so that no server's log keeps it. */
export function Component() {
  const { t } = useTranslation('devices')
  const { hash } = useLocation()
  const navigate = useNavigate()
  const token = new URLSearchParams(hash.slice(1)).get('token') ?? ''
  const offer = useOfferLink(token)
  const accept = useAcceptOffer()
  if (token !== '' && offer.isPending) return <PageSkeleton />
  if (!offer.data)
    return (
      <Page title={t('offers.linkTitle')} back="/devices" width="form">
        {token === '' ? (
          <EmptyState title={t('offers.linkEmpty')} />
        ) : (
          <ErrorState error={offer.error} onRetry={() => offer.refetch()} />
        )}
      </Page>
    )
  const names = { name: offer.data.from?.display_name ?? '', device: offer.data.device.name }
  return (
    <Page title={t('offers.linkTitle')} back="/devices" width="form">
      <ErrorAlert error={accept.error} />
      <EmptyState
        title={t(`offers.${offer.data.kind}`, names)}
        description={t(`offers.${offer.data.kind}Text`)}
        action={
          <>
            <Button
              type="primary"
              loading={accept.isPending}
              onClick={() =>
                accept.mutate(
                  { token },
                  { onSuccess: ({ id }) => navigate(`/devices/my/${id}`, { replace: true }) },
                )
              }
            >
              {t('offers.accept')}
            </Button>
            <LinkButton to="/devices">{t('offers.notNow')}</LinkButton>
          </>
        }
      />
    </Page>
  )
}
