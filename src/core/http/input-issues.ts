import type { ErrorObject } from 'ajv'
import type { InputIssue, Locale } from '#core/errors.ts'

type Text = (params: Record<string, unknown>) => string

const texts: Record<Locale, Record<string, Text>> = {
  en: {
    required: p => `“${p.missingProperty}” is missing.`,
    additionalProperties: p => `“${p.additionalProperty}” is not known here.`,
    type: p => `Must be of type ${p.type}.`,
    enum: p => `Must be one of: ${(p.allowedValues as unknown[]).join(', ')}.`,
    const: p => `Must be ${JSON.stringify(p.allowedValue)}.`,
    minLength: p => `Must have at least ${p.limit} characters.`,
    maxLength: p => `Must have at most ${p.limit} characters.`,
    minItems: p => `Must have at least ${p.limit} items.`,
    maxItems: p => `Must have at most ${p.limit} items.`,
    minimum: p => `Must be ${p.limit} or more.`,
    maximum: p => `Must be ${p.limit} or less.`,
    exclusiveMinimum: p => `Must be more than ${p.limit}.`,
    exclusiveMaximum: p => `Must be less than ${p.limit}.`,
    format: p => `Must be a valid ${p.format}.`,
    pattern: () => 'Does not have the expected form.',
  },
  'zh-CN': {
    required: p => `缺少“${p.missingProperty}”。`,
    additionalProperties: p => `这里没有“${p.additionalProperty}”这一项。`,
    type: p => `类型应为 ${p.type}。`,
    enum: p => `应为以下之一：${(p.allowedValues as unknown[]).join('、')}。`,
    const: p => `应为 ${JSON.stringify(p.allowedValue)}。`,
    minLength: p => `至少 ${p.limit} 个字符。`,
    maxLength: p => `最多 ${p.limit} 个字符。`,
    minItems: p => `至少 ${p.limit} 项。`,
    maxItems: p => `最多 ${p.limit} 项。`,
    minimum: p => `不能小于 ${p.limit}。`,
    maximum: p => `不能大于 ${p.limit}。`,
    exclusiveMinimum: p => `必须大于 ${p.limit}。`,
    exclusiveMaximum: p => `必须小于 ${p.limit}。`,
    format: p => `不是有效的 ${p.format}。`,
    pattern: () => '格式不正确。',
  },
}

const fallback: Record<Locale, string> = { en: 'Is not valid.', 'zh-CN': '不正确。' }
const mostIssues = 20
/** Combinators repeat what their branches say already. */
const noise = new Set(['anyOf', 'oneOf', 'if'])

/** What is wrong with an input, for its reader: pointers start at the request part (`/body/title`). */
export function inputIssues(errors: readonly ErrorObject[], part: string, locale: Locale): InputIssue[] {
  const useful = errors.filter(error => !noise.has(error.keyword))
  return (useful.length > 0 ? useful : errors).slice(0, mostIssues).map(error => ({
    pointer: `/${part}${error.instancePath}`,
    detail: texts[locale][error.keyword]?.(error.params) ?? fallback[locale],
  }))
}
