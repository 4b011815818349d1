import { defineError } from '#core/errors.ts'

export const upstreamFailed = defineError({
  code: 'ai.upstream_failed',
  status: 502,
  en: 'The model provider “{provider}” failed. Try again, or choose another model.',
  'zh-CN': '模型服务商“{provider}”出错了，请重试或换一个模型。',
})
export const upstreamRateLimited = defineError({
  code: 'ai.upstream_rate_limited',
  status: 503,
  en: 'The model provider “{provider}” is taking no more requests right now. Try again in a moment.',
  'zh-CN': '模型服务商“{provider}”当前请求过多，请稍后再试。',
})
export const upstreamTimeout = defineError({
  code: 'ai.upstream_timeout',
  status: 504,
  en: 'The model provider “{provider}” did not answer in time. Try again, or choose another model.',
  'zh-CN': '模型服务商“{provider}”没有及时回应，请重试或换一个模型。',
})
export const upstreamMalformed = defineError({
  code: 'ai.upstream_malformed',
  status: 502,
  en: 'The model provider “{provider}” sent an answer that makes no sense. Check its base URL.',
  'zh-CN': '模型服务商“{provider}”返回了无法识别的内容，请检查它的接口地址。',
})
export const upstreamRejected = defineError({
  code: 'ai.upstream_rejected',
  status: 400,
  en: 'The model provider “{provider}” did not accept the request: {reason}',
  'zh-CN': '模型服务商“{provider}”没有接受这个请求：{reason}',
})
export const upstreamModelMissing = defineError({
  code: 'ai.upstream_model_missing',
  status: 502,
  en: 'The model provider “{provider}” does not know the model “{model}”. An administrator must correct it.',
  'zh-CN': '模型服务商“{provider}”没有模型“{model}”，请管理员修改配置。',
})
export const badKey = defineError({
  code: 'ai.bad_key',
  status: 502,
  en: 'The model provider “{provider}” does not accept its key, or the account is empty. An administrator must look at it.',
  'zh-CN': '模型服务商“{provider}”不接受当前密钥，或者账户余额不足，请管理员检查。',
})
export const contextTooLong = defineError({
  code: 'ai.context_too_long',
  status: 400,
  en: 'The text is too long for this model. Shorten it, start a new conversation, or choose a model with a larger window.',
  'zh-CN': '内容超过了该模型的上下文长度，请缩短内容、新建会话，或换一个上下文更长的模型。',
})
export const contentRefused = defineError({
  code: 'ai.content_refused',
  status: 400,
  en: 'The model provider “{provider}” refused this content.',
  'zh-CN': '模型服务商“{provider}”拒绝处理这些内容。',
})
export const notSupported = defineError({
  code: 'ai.not_supported',
  status: 400,
  en: 'The model provider “{provider}” cannot do this: {what}.',
  'zh-CN': '模型服务商“{provider}”不支持此操作：{what}。',
})
export const notConfigured = defineError({
  code: 'ai.not_configured',
  status: 503,
  en: 'This needs a language model, and none is set up. An administrator can add a provider under Admin → Set-up.',
  'zh-CN': '此功能需要语言模型，但尚未配置。管理员可在“管理 → 初始设置”中添加服务商。',
})
