import { Alert, Input, InputNumber, Select, Slider, Switch, Typography } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#api/client.ts'
import type { Device, JsonObject } from '#api/device-types.ts'
import { useDeviceState, useSetDesired } from '#api/devices.ts'
import common from '#ui/common.module.css'
import { EmptyState } from '#ui/empty.tsx'
import { ErrorState, useErrorText } from '#ui/error.tsx'
import { Time } from '#ui/format.tsx'
import { Section } from '#ui/page.tsx'
import { FormSkeleton } from '#ui/skeleton.tsx'
import style from '../devices.module.css'

/** What a type's JSON Schema says of one value that can be set. */
type Property = {
  type?: string
  title?: string
  'x-title-en'?: string
  minimum?: number
  maximum?: number
  enum?: (string | number)[]
}

const propertiesOf = (schema: JsonObject): [string, Property][] =>
  Object.entries((schema.properties ?? {}) as Record<string, Property>)

/** The device's settings, as its type describes them; written when the control is let go. */
export function SettingsTab({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  const state = useDeviceState(device.id)
  if (state.isPending) return <FormSkeleton />
  if (!state.data) return <ErrorState error={state.error} onRetry={() => state.refetch()} />
  const { desired, reported, desired_version, reported_version, reported_at } = state.data
  const properties = propertiesOf(device.type.properties_schema)
  const isWaiting = desired_version > reported_version
  const unlocked = Array.isArray(desired.unlocked) ? (desired.unlocked as { id: string; name: string }[]) : []
  return (
    <div className={style.stack}>
      {isWaiting && desired_version > 0 && <Alert type="info" showIcon title={t('settings.waiting')} />}
      {properties.length === 0 ? (
        <EmptyState title={t('settings.empty')} />
      ) : (
        <ul className={style.rows}>
          {properties.map(([name, property]) => (
            <PropertyRow
              key={name}
              deviceId={device.id}
              name={name}
              property={property}
              value={desired[name] ?? reported[name]}
              reported={reported[name]}
            />
          ))}
        </ul>
      )}
      {unlocked.length > 0 && (
        <Section title={t('settings.unlocked')}>
          <ul className={style.rows}>
            {unlocked.map(item => (
              <li key={item.id}>{item.name}</li>
            ))}
          </ul>
        </Section>
      )}
      {reported_at && (
        <p className={common.small}>
          {t('settings.reported')} <Time value={reported_at} />
        </p>
      )}
    </div>
  )
}

function PropertyRow({
  deviceId,
  name,
  property,
  value,
  reported,
}: {
  deviceId: string
  name: string
  property: Property
  value: unknown
  reported: unknown
}) {
  const { t, i18n } = useTranslation('devices')
  const errorText = useErrorText()
  const set = useSetDesired(deviceId)
  const label = (i18n.language === 'en' ? property['x-title-en'] : property.title) ?? property.title ?? name
  const save = (next: unknown) => {
    if (next === value) set.reset()
    else set.mutate({ [name]: next })
  }
  const issue = set.error instanceof ApiError ? set.error.issues[0] : undefined
  const differs = reported !== undefined && value !== reported
  return (
    <li>
      <span className={style.grow}>
        {label}
        {differs && (
          <span className={common.small}> · {t('settings.now', { value: valueText(reported) })}</span>
        )}
        {/* Beside what was typed, which stays there: it is not what the device has. */}
        {set.isError && (
          <Typography.Text type="danger" className={style.problem ?? ''} role="alert">
            {issue?.detail ?? errorText(set.error)}
          </Typography.Text>
        )}
      </span>
      <span className={common.filter}>
        <Control label={label} property={property} value={value} onChange={save} />
      </span>
    </li>
  )
}

const valueText = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value)

function Control({
  label,
  property,
  value,
  onChange,
}: {
  label: string
  property: Property
  value: unknown
  onChange: (value: unknown) => void
}) {
  const { t } = useTranslation('devices')
  const [draft, setDraft] = useState(value)
  useEffect(() => setDraft(value), [value])
  const { minimum, maximum } = property
  if (property.type === 'boolean')
    return <Switch aria-label={label} checked={value === true} onChange={onChange} />
  // Only apps set these.
  if (property.type === 'object' || property.type === 'array')
    return <code>{value === undefined ? t('settings.unset') : valueText(value)}</code>
  if (property.enum)
    return (
      <Select
        className={common.full ?? ''}
        aria-label={label}
        placeholder={t('settings.unset')}
        value={(value as string | number | undefined) ?? null}
        options={property.enum.map(option => ({ value: option, label: String(option) }))}
        onChange={onChange}
      />
    )
  if (property.type === 'integer' || property.type === 'number') {
    const number = typeof draft === 'number' ? draft : null
    if (minimum !== undefined && maximum !== undefined)
      return (
        <span className={style.value}>
          <Slider
            ariaLabelForHandle={label}
            min={minimum}
            max={maximum}
            value={number ?? minimum}
            onChange={setDraft}
            onChangeComplete={onChange}
          />
          <span className={`${common.small} numbers`}>{number ?? t('settings.unset')}</span>
        </span>
      )
    return (
      <InputNumber aria-label={label} value={number} onChange={setDraft} onBlur={() => onChange(draft)} />
    )
  }
  return (
    <Input
      aria-label={label}
      maxLength={500}
      value={typeof draft === 'string' ? draft : ''}
      onChange={event => setDraft(event.target.value)}
      onBlur={() => onChange(draft)}
    />
  )
}
