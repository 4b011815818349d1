import { App, Form, Radio, Select, Switch } from 'antd'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { useChooseNotifications, useNotificationChoices, useUpdateMe } from '#api/identity.ts'
import { useMe } from '#api/me.ts'
import type { MeInput } from '#api/types.ts'
import { type Language, languageNames, languages, setLanguage } from '#app/i18n/i18n.ts'
import { useErrorText } from '#ui/error.tsx'
import { Page } from '#ui/page.tsx'
import { type ThemeChoice, useTheme } from '#ui/theme-mode.tsx'

/** Each choice counts at once and is kept with the account. */
export function Component() {
  const { t, i18n } = useTranslation('identity')
  const { t: tApp } = useTranslation('app')
  const errorText = useErrorText()
  const { message } = App.useApp()
  const me = useMe()
  const theme = useTheme()
  const update = useUpdateMe()
  const zones = useTimeZones(i18n.language)

  const save = (input: MeInput) =>
    update.mutate(input, {
      onSuccess: () => message.success(t('preferences.saved')),
      onError: error => message.error(errorText(error)),
    })

  return (
    <Page title={t('preferences.title')} width="form" back="/settings">
      <Form layout="vertical">
        <Form.Item label={t('preferences.language')}>
          <Radio.Group
            aria-label={t('preferences.language')}
            optionType="button"
            value={i18n.language}
            options={languages.map(value => ({ value, label: languageNames[value] }))}
            onChange={async event => {
              const language: Language = event.target.value
              await setLanguage(language)
              save({ locale: language })
            }}
          />
        </Form.Item>
        <Form.Item label={t('preferences.theme')}>
          <Radio.Group
            aria-label={t('preferences.theme')}
            optionType="button"
            value={theme.choice}
            options={(['system', 'light', 'dark'] as const).map(value => ({
              value,
              label: tApp(`theme.${value}`),
            }))}
            onChange={event => {
              const choice: ThemeChoice = event.target.value
              theme.setChoice(choice)
              save({ preferences: { ...me.preferences, theme: choice } })
            }}
          />
        </Form.Item>
        <Form.Item
          label={t('preferences.timeZone')}
          extra={t('preferences.timeZoneHint')}
          htmlFor="preferences-zone"
        >
          <Select
            id="preferences-zone"
            showSearch={{ optionFilterProp: 'label' }}
            value={me.time_zone}
            options={zones}
            loading={update.isPending}
            onChange={time_zone => save({ time_zone })}
          />
        </Form.Item>
        {me.email !== null && <EmailChoice />}
      </Form>
    </Page>
  )
}

function EmailChoice() {
  const { t } = useTranslation('identity')
  const { message } = App.useApp()
  const errorText = useErrorText()
  const choices = useNotificationChoices()
  const choose = useChooseNotifications()
  if (!choices.data) return null
  return (
    <Form.Item
      label={t('preferences.byEmail')}
      extra={t('preferences.byEmailHint')}
      htmlFor="preferences-email"
    >
      <Switch
        id="preferences-email"
        checked={choose.isPending ? choose.variables.by_email : choices.data.by_email}
        loading={choose.isPending}
        onChange={by_email =>
          choose.mutate({ by_email }, { onError: error => message.error(errorText(error)) })
        }
      />
    </Form.Item>
  )
}

/** All zones of the browser with their present offset, west to east. */
function useTimeZones(locale: string) {
  return useMemo(() => {
    const now = new Date()
    return Intl.supportedValuesOf('timeZone')
      .map(value => {
        const parts = new Intl.DateTimeFormat(locale, { timeZone: value, timeZoneName: 'longOffset' })
        const offset = parts.formatToParts(now).find(part => part.type === 'timeZoneName')?.value ?? ''
        return { value, label: `${value.replaceAll('_', ' ')} (${offset})` }
      })
      .concat([{ value: 'UTC', label: 'UTC' }])
  }, [locale])
}
