import { Form, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Entitlements, EntitlementValue } from '#api/types.ts'
import { useEntitlementText } from '../users/entitlement-text.ts'
import style from './plans.module.css'

/** `inherit`: nothing set here; `own`: the number beside it; `yes` and `no` for what is a right, not an amount. */
type Setting = { mode: 'inherit' | 'own' | 'unlimited' | 'yes' | 'no'; amount?: number | null }

/** What the fields of a form hold, by the names of entitlements. */
export type EntitlementSettings = Record<string, Setting>

/** Costs are kept in millionths and typed in whole units of the currency. */
const scaleOf = (name: string) => (name.includes('_micros_') ? 1_000_000 : 1)

function toSetting(name: string, value: EntitlementValue | undefined): Setting {
  if (value === undefined) return { mode: 'inherit' }
  if (value === null) return { mode: 'unlimited' }
  if (typeof value === 'boolean') return { mode: value ? 'yes' : 'no' }
  return { mode: 'own', amount: value / scaleOf(name) }
}

function toValue(name: string, { mode, amount }: Setting): EntitlementValue | undefined {
  if (mode === 'unlimited') return null
  if (mode === 'yes' || mode === 'no') return mode === 'yes'
  if (mode === 'own' && typeof amount === 'number') return Math.round(amount * scaleOf(name))
  return undefined
}

export const toSettings = (names: readonly string[], set: Entitlements): EntitlementSettings =>
  Object.fromEntries(names.map(name => [name, toSetting(name, set[name])]))

/** Only what was set. */
export const toEntitlements = (settings: EntitlementSettings): Entitlements =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, setting]) => {
      const value = toValue(name, setting)
      return value === undefined ? [] : [[name, value]]
    }),
  )

/** One entitlement, as form field `[field, name]`. `inherit` names the choice that sets nothing. */
export function EntitlementField({
  field,
  name,
  isRight,
  inherit,
  extra,
}: {
  field: string
  name: string
  isRight: boolean
  inherit: string
  extra: string
}) {
  const { t } = useTranslation('admin')
  const { nameOf } = useEntitlementText()
  // Names hold dots, which antd's forms keep whole only inside an array path.
  const path = (part: keyof Setting) => [field, name, part]
  const modes = isRight ? (['yes', 'no'] as const) : (['own', 'unlimited'] as const)
  return (
    <Form.Item label={nameOf(name)} extra={extra}>
      <div className={style.pair}>
        <Form.Item name={path('mode')} noStyle>
          <Select
            aria-label={nameOf(name)}
            options={[
              { value: 'inherit', label: inherit },
              ...modes.map(mode => ({ value: mode, label: t(`billing.modes.${mode}`) })),
            ]}
          />
        </Form.Item>
        <Form.Item noStyle shouldUpdate>
          {({ getFieldValue }) =>
            getFieldValue(path('mode')) === 'own' && (
              <Form.Item
                name={path('amount')}
                noStyle
                rules={[{ required: true, message: t('billing.amountRequired') }]}
              >
                <InputNumber
                  min={0}
                  max={Number.MAX_SAFE_INTEGER / scaleOf(name)}
                  aria-label={t('billing.amountOf', { name: nameOf(name) })}
                  precision={scaleOf(name) === 1 ? 0 : 2}
                />
              </Form.Item>
            )
          }
        </Form.Item>
      </div>
    </Form.Item>
  )
}
