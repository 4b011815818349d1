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
export const planExists = defineError({
  code: 'plan.exists',
  status: 409,
  en: 'There is a plan “{plan}” already. Choose another id.',
  'zh-CN': '已有名为“{plan}”的套餐，请换一个标识。',
})
export const planRetired = defineError({
  code: 'plan.retired',
  status: 409,
  en: 'The plan “{plan}” is retired: nobody new can be put on it. Bring it back first.',
  'zh-CN': '套餐“{plan}”已停用，不能再分配给新用户。请先恢复该套餐。',
})
export const planIndispensable = defineError({
  code: 'plan.indispensable',
  status: 409,
  en: 'Everyone who has no other plan is on “{plan}”, so it cannot be retired.',
  'zh-CN': '没有其他套餐的用户都使用“{plan}”，因此不能停用。',
})
export const endTooFar = defineError({
  code: 'subscription.end_too_far',
  status: 422,
  en: 'The subscription would end after the year 9999. Give it no end instead.',
  'zh-CN': '订阅的结束时间超出了 9999 年，请改为不设结束时间。',
})
/** Whom identity does not know. */
export const userUnknown = defineError({
  code: 'user.not_found',
  status: 404,
  en: 'There is no such user.',
  'zh-CN': '用户不存在。',
})
