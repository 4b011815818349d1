import { defineError } from '#core/errors.ts'

export const providerNotFound = defineError({
  code: 'ai.provider_not_found',
  status: 404,
  en: 'There is no provider “{provider}”.',
  'zh-CN': '没有服务商“{provider}”。',
})
export const providerOfEnvironment = defineError({
  code: 'ai.provider_of_environment',
  status: 409,
  en: 'The provider “{provider}” is set up by environment variables. Change it there.',
  'zh-CN': '服务商“{provider}”由环境变量配置，请在那里修改。',
})
export const unknownProviderKind = defineError({
  code: 'ai.unknown_provider_kind',
  status: 400,
  en: 'There is no kind of provider called “{kind}”. Known are: {known}.',
  'zh-CN': '没有“{kind}”这种服务商，可选：{known}。',
})
export const baseUrlNeeded = defineError({
  code: 'ai.base_url_needed',
  status: 400,
  en: 'The provider needs the address of its API: http:// or https://, without a user name in it.',
  'zh-CN': '请填写服务商的接口地址（http:// 或 https:// 开头，不含用户名）。',
})
export const keyNeeded = defineError({
  code: 'ai.key_needed',
  status: 400,
  en: 'Enter the API key. When the address changes it must be entered again, so that no one can have a stored key sent elsewhere.',
  'zh-CN': '请输入 API 密钥。修改接口地址时需要重新输入，以免已保存的密钥被发往别处。',
})
export const keyNotFound = defineError({
  code: 'ai.key_not_found',
  status: 404,
  en: 'The provider has no such key.',
  'zh-CN': '该服务商没有这个密钥。',
})
export const modelExists = defineError({
  code: 'ai.model_exists',
  status: 409,
  en: 'There is a model “{model}” already. Change that one, or choose another id.',
  'zh-CN': '模型“{model}”已存在，请修改它或换一个 ID。',
})
export const modelOfPreset = defineError({
  code: 'ai.model_of_preset',
  status: 409,
  en: 'The model “{model}” comes with its provider and cannot be deleted. Switch it off instead.',
  'zh-CN': '模型“{model}”由服务商自带，不能删除，可以停用。',
})
export const badFallback = defineError({
  code: 'ai.bad_fallback',
  status: 400,
  en: '“{model}” cannot stand in: it must be another model of the same kind.',
  'zh-CN': '“{model}”不能作为备用模型：必须是另一个同类模型。',
})
export const unknownCurrency = defineError({
  code: 'ai.unknown_currency',
  status: 400,
  en: 'There is no exchange rate for {currency}. Set AI_EXCHANGE_RATES, or give the prices in another currency.',
  'zh-CN': '没有 {currency} 的汇率，请设置 AI_EXCHANGE_RATES，或使用其他货币填写价格。',
})
