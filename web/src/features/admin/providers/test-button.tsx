import { App, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { useTestProvider } from '#api/admin.ts'
import type { Provider, ProviderTest } from '#api/types.ts'
import { useErrorText } from '#ui/error.tsx'
import { useFormat } from '#ui/format.tsx'

/** Tests a provider from the list; a failure opens the detail, which tells it. */
export function TestButton({
  provider,
  onFailed,
}: {
  provider: Provider
  onFailed: (result: ProviderTest) => void
}) {
  const { t } = useTranslation('admin')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const format = useFormat()
  const test = useTestProvider()
  return (
    <Button
      size="small"
      loading={test.isPending}
      aria-label={t('test.runName', { name: provider.name })}
      onClick={event => {
        event.stopPropagation()
        test.mutate(
          { id: provider.id },
          {
            onSuccess: result => {
              if (result.ok) {
                message.success(
                  t('test.okShort', { name: provider.name, time: format.duration(result.latency_ms) }),
                )
              } else onFailed(result)
            },
            onError: error => message.error(errorText(error)),
          },
        )
      }}
    >
      {t('test.run')}
    </Button>
  )
}
