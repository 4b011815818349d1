import { defineError } from '#core/errors.ts'

export const planNotFound = defineError({
  code: 'plan.not_found',
  status: 404,
  en: 'There is no plan “{plan}”.',
  'zh-CN': '没有名为“{plan}”的套餐。',
})
export const unknownEntitlement = defineError({
  code: 'entitlement.unknown',
  status: 422,
  en: 'There is no entitlement “{name}”.',
  'zh-CN': '没有名为“{name}”的权益。',
})
export const wrongEntitlement = defineError({
  code: 'entitlement.wrong_type',
  status: 422,
  en: 'The entitlement “{name}” is {expected}, or null for no limit.',
  'zh-CN': '权益“{name}”的取值类型应为 {expected}，或用 null 表示不限。',
})
export const endInPast = defineError({
  code: 'subscription.end_in_past',
  status: 422,
  en: 'The subscription would have ended before it began.',
  'zh-CN': '订阅的结束时间早于现在。',
})
