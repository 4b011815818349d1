import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import type { ProviderKind } from '#api/types.ts'

export type ProviderFields = { name?: string; base_url?: string; api_key?: string }

/** Where the providers hand out their keys. */
const keyPages: Record<string, string> = {
  moonshot: 'https://platform.moonshot.cn/console/api-keys',
  deepseek: 'https://platform.deepseek.com/api_keys',
  dashscope: 'https://bailian.console.aliyun.com/?tab=model#/api-key',
  zhipu: 'https://open.bigmodel.cn/usercenter/apikeys',
  openai: 'https://platform.openai.com/api-keys',
  anthropic: 'https://console.anthropic.com/settings/keys',
}

/** Key and address of a provider that is being set up. */
export function ProviderFieldsFor({ kind }: { kind: ProviderKind }) {
  const { t } = useTranslation('admin')
  const page = keyPages[kind.id]
  const isOwnServer = kind.base_url === null || !kind.takes_key
  return (
    <>
      {kind.takes_key && (
        <Form.Item
          label={t('providers.key')}
          name="api_key"
          extra={
            page ? (
              <>
                {t('providers.keyHint')}{' '}
                <a href={page} target="_blank" rel="noreferrer">
                  {t('providers.keyPage', { name: kind.name })}
                </a>
              </>
            ) : (
              t('providers.keyOptional')
            )
          }
          rules={isOwnServer ? [] : [{ required: true, message: t('providers.keyRequired') }]}
        >
          <Input.Password autoComplete="off" maxLength={1000} placeholder={page ? 'sk-…' : ''} />
        </Form.Item>
      )}
      <Form.Item
        label={t('providers.baseUrl')}
        name="base_url"
        extra={t(kind.base_url === null ? 'providers.baseUrlHint' : 'providers.baseUrlDefault')}
        rules={kind.base_url === null ? [{ required: true, message: t('providers.baseUrlRequired') }] : []}
      >
        <Input
          type="url"
          inputMode="url"
          autoComplete="off"
          maxLength={500}
          placeholder={kind.base_url ?? 'https://example.com/v1'}
        />
      </Form.Item>
    </>
  )
}

/** What was left empty is not sent. */
export const filled = (fields: ProviderFields): ProviderFields =>
  Object.fromEntries(
    Object.entries(fields)
      .map(([name, value]) => [name, value?.trim()])
      .filter(([, value]) => value),
  )
