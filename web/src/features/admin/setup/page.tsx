import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useProviderKinds, useProviders, useSetup } from '#api/admin.ts'
import { useCan } from '#api/me.ts'
import type { Provider } from '#api/types.ts'
import { ErrorState } from '#ui/error.tsx'
import { LinkButton } from '#ui/link-button.tsx'
import { Page, Section } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import { Checklist } from './checklist.tsx'
import { ConnectProvider } from './connect-provider.tsx'

/** First run: choose a provider, paste the key, test it, done. Later: what is still to be done. */
export function Component() {
  const { t } = useTranslation('admin')
  const mayConnect = useCan()('admin.providers.manage')
  const setup = useSetup()
  const kinds = useProviderKinds()
  const providers = useProviders(mayConnect)
  const [added, setAdded] = useState<Provider | null>(null)
  const isReady = setup.data?.has_provider === true
  const checklist = setup.data && (
    <Checklist setup={setup.data} providers={providers.data?.items ?? []} added={added} />
  )
  return (
    <Page
      title={t(isReady ? 'setup.readyTitle' : 'setup.title')}
      description={t(isReady ? 'setup.readyText' : 'setup.text')}
      back="/admin"
      action={
        isReady && (
          <LinkButton to="/chat" type="primary">
            {t('setup.startChat')}
          </LinkButton>
        )
      }
    >
      {setup.isError && <ErrorState error={setup.error} onRetry={() => setup.refetch()} />}
      {setup.isPending && <FormSkeleton />}
      {isReady && checklist}
      {setup.data && mayConnect && (
        <Section title={t(isReady ? 'setup.another' : 'setup.choose')}>
          {kinds.data ? (
            <ConnectProvider
              kinds={kinds.data.items}
              providers={providers.data?.items ?? []}
              onAdded={setAdded}
            />
          ) : kinds.isError ? (
            <ErrorState error={kinds.error} onRetry={() => kinds.refetch()} />
          ) : (
            <FormSkeleton />
          )}
        </Section>
      )}
      {setup.data && !isReady && <Section title={t('setup.next')}>{checklist}</Section>}
    </Page>
  )
}
