import { Button, Form, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCreateProvider, useTestProvider } from '#api/admin.ts'
import type { Provider, ProviderKind } from '#api/types.ts'
import common from '#ui/common.module.css'
import { ErrorAlert } from '#ui/error.tsx'
import { showFieldErrors } from '#ui/form.ts'
import style from '../admin.module.css'
import { filled, type ProviderFields, ProviderFieldsFor } from '../providers/provider-fields.tsx'
import { TestResult } from '../providers/test-result.tsx'

/** Choose, paste, test, save. Saving does not insist on a test that went well: a server may be down just now. */
export function ConnectProvider({
  kinds,
  providers,
  onAdded,
}: {
  kinds: ProviderKind[]
  providers: Provider[]
  onAdded: (provider: Provider) => void
}) {
  const { t } = useTranslation('admin')
  const [kindId, setKindId] = useState<string>()
  const kind = kinds.find(({ id }) => id === kindId)
  return (
    <div className={style.stack}>
      <fieldset className={style.cards}>
        <legend className="visually-hidden">{t('setup.choose')}</legend>
        {kinds.map(each => (
          <label key={each.id} className={style.choice}>
            <input
              type="radio"
              name="kind"
              checked={each.id === kindId}
              onChange={() => setKindId(each.id)}
            />
            <span className={style.choiceName}>{each.name}</span>
            <span className={`${common.small} ${common.ellipsis}`}>
              {each.models.length > 0
                ? each.models.slice(0, 3).join(t('common.listComma'))
                : t(each.base_url === null ? 'setup.anyServer' : 'setup.ownModels')}
            </span>
            {providers.some(provider => provider.kind === each.id) && (
              <Tag color="success">{t('setup.connected')}</Tag>
            )}
          </label>
        ))}
      </fieldset>
      {kind && (
        <ConnectForm
          key={kind.id}
          kind={kind}
          onAdded={provider => {
            setKindId(undefined)
            onAdded(provider)
          }}
        />
      )}
    </div>
  )
}

/** Key and address of one kind, with test and save. */
export function ConnectForm({
  kind,
  onAdded,
}: {
  kind: ProviderKind
  onAdded: (provider: Provider) => void
}) {
  const { t } = useTranslation('admin')
  const [form] = Form.useForm<ProviderFields>()
  const test = useTestProvider()
  const create = useCreateProvider()
  const runTest = async () => {
    const fields = await form.validateFields().catch(() => null)
    if (fields) test.mutate({ kind: kind.id, ...filled(fields) })
  }
  const save = (fields: ProviderFields) =>
    create.mutate(
      { kind: kind.id, ...filled(fields) },
      { onSuccess: onAdded, onError: error => showFieldErrors(form, error) },
    )
  return (
    <Form
      form={form}
      layout="vertical"
      className={style.narrow ?? ''}
      onFinish={save}
      onValuesChange={() => test.reset()}
    >
      <ErrorAlert error={create.error} />
      <ProviderFieldsFor kind={kind} />
      <TestResult result={test.data} error={test.error} />
      <div className={common.actions}>
        <Button type={test.data?.ok ? 'default' : 'primary'} loading={test.isPending} onClick={runTest}>
          {t('test.run')}
        </Button>
        <Button type={test.data?.ok ? 'primary' : 'default'} htmlType="submit" loading={create.isPending}>
          {t('setup.save')}
        </Button>
      </div>
    </Form>
  )
}
