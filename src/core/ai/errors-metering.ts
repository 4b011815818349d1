import { defineError } from '#core/errors.ts'

export const quotaExceeded = defineError({
  code: 'quota.exceeded',
  status: 429,
  en: 'Your quota is used up. It starts anew at {resets_at}.',
  'zh-CN': '您的额度已用完，将于 {resets_at} 重置。',
})
export const spendCapReached = defineError({
  code: 'quota.spend_cap_reached',
  status: 503,
  en: 'This installation has reached its spend cap until {resets_at}. An administrator can raise it.',
  'zh-CN': '本站已达到费用上限，将于 {resets_at} 恢复；管理员可以调高上限。',
})
export const modelNotFound = defineError({
  code: 'ai.model_not_found',
  status: 404,
  en: 'There is no model “{model}” that you may use.',
  'zh-CN': '没有您可以使用的模型“{model}”。',
})
export const badStructure = defineError({
  code: 'ai.bad_structure',
  status: 502,
  en: 'The model did not answer in the form that was asked for. Try again, or choose another model.',
  'zh-CN': '模型没有按要求的格式回答，请重试或换一个模型。',
})
