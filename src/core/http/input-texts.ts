import type { Texts } from '#core/errors.ts'

/*
 * Every sentence that says what is wrong with an input, by the keyword of JSON Schema that refused it. This is the one
 * place where they are written: for requests, and for what is held against a schema that an administrator wrote.
 */

type Params = Record<string, unknown>
/** What may stand at the place, as a noun: the sentence “Must be …” is made around it. */
type Noun = Texts

const both = (word: string): Texts => ({ en: word, 'zh-CN': word })

/** `boolean` is two: true, and false. */
const types: Record<string, Noun> = {
  string: { en: 'text', 'zh-CN': '文本' },
  integer: { en: 'a whole number', 'zh-CN': '整数' },
  number: { en: 'a number', 'zh-CN': '数字' },
  array: { en: 'a list', 'zh-CN': '列表' },
  object: { en: 'an object', 'zh-CN': '对象' },
  null: both('null'),
}

const formats: Record<string, Noun> = {
  uuid: { en: 'a UUID', 'zh-CN': 'UUID' },
  date: { en: 'a date (such as 2026-01-31)', 'zh-CN': '日期（例如 2026-01-31）' },
  time: { en: 'a time (such as 08:30:00Z)', 'zh-CN': '时间（例如 08:30:00Z）' },
  'date-time': {
    en: 'a date and time (such as 2026-01-31T08:30:00Z)',
    'zh-CN': '日期和时间（例如 2026-01-31T08:30:00Z）',
  },
  email: { en: 'an e-mail address', 'zh-CN': '电子邮件地址' },
  uri: { en: 'an address (such as https://example.com)', 'zh-CN': '网址（例如 https://example.com）' },
  ipv4: { en: 'an IPv4 address', 'zh-CN': 'IPv4 地址' },
  ipv6: { en: 'an IPv6 address', 'zh-CN': 'IPv6 地址' },
  image: { en: 'an uploaded picture', 'zh-CN': '已上传的图片' },
  audio: { en: 'an uploaded recording', 'zh-CN': '已上传的音频' },
}
formats.url = formats.uri as Noun

const someFormat: Noun = { en: 'in the expected format', 'zh-CN': '规定的格式' }
/** Most allowed values that are listed. */
const mostListed = 20

const valueText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function listed(values: readonly unknown[]): Texts {
  const texts = values.slice(0, mostListed).map(valueText)
  if (values.length > mostListed) texts.push('…')
  return { en: texts.join(', '), 'zh-CN': texts.join('、') }
}

export const typeNouns = (type: unknown): Noun[] =>
  String(type)
    .split(',')
    .flatMap(name => (name === 'boolean' ? [both('true'), both('false')] : (types[name] ?? both(name))))
export const formatNoun = (format: unknown): Noun => formats[String(format)] ?? someFormat
export const valueNouns = (values: readonly unknown[]): Noun[] =>
  values
    .slice(0, mostListed)
    .map(value => both(typeof value === 'string' ? `“${value}”` : JSON.stringify(value)))

/** What has to be one of these. */
export function mustBe(...nouns: readonly Noun[]): Texts {
  const english = [...new Set(nouns.map(noun => noun.en))]
  const chinese = [...new Set(nouns.map(noun => noun['zh-CN']))]
  const [last, lastChinese] = [english.pop() ?? '', chinese.pop() ?? '']
  const either = english.length > 0 ? `${english.join(', ')} or ` : ''
  const eitherChinese = chinese.length > 0 ? beside('应为', chinese.join('、'), '或') : '应为'
  return { en: `Must be ${either}${last}.`, 'zh-CN': `${beside(eitherChinese, lastChinese, '')}。` }
}

/** Chinese stands apart from Latin letters and digits. */
function beside(before: string, word: string, after: string): string {
  const isLatin = (letter: string | undefined) => letter !== undefined && /[\w-]/.test(letter)
  return `${before}${isLatin(word[0]) ? ' ' : ''}${word}${after && isLatin(word.at(-1)) ? ' ' : ''}${after}`
}

export const oneOf = (values: readonly unknown[]): Texts => ({
  en: `Must be one of: ${listed(values).en}.`,
  'zh-CN': `应为以下之一：${listed(values)['zh-CN']}。`,
})
const counted = (limit: unknown, word: string): string => `${limit} ${limit === 1 ? word : `${word}s`}`
export const duplicate: Texts = { en: 'Two of the items are the same.', 'zh-CN': '列表中有重复的项。' }
const unknown: Texts = { en: 'This is not known here.', 'zh-CN': '这里没有这一项。' }

export const isRequired: Texts = { en: 'This is required.', 'zh-CN': '此项必填。' }
export const isInvalid: Texts = { en: 'This is not valid.', 'zh-CN': '此项不正确。' }

const atLeast = (limit: unknown, word: string, measure: string): Texts => ({
  en: limit === 1 ? 'Must not be empty.' : `Must have at least ${counted(limit, word)}.`,
  'zh-CN': limit === 1 ? '不能为空。' : `至少 ${limit} ${measure}。`,
})
const atMost = (limit: unknown, word: string, measure: string): Texts => ({
  en: limit === 0 ? 'Must be empty.' : `Must have at most ${counted(limit, word)}.`,
  'zh-CN': limit === 0 ? '必须为空。' : `最多 ${limit} ${measure}。`,
})

/** By keyword. `not` and what stands for a schema of `false` cannot say what was expected. */
export const sentences: Record<string, (params: Params) => Texts> = {
  required: () => isRequired,
  additionalProperties: () => unknown,
  unevaluatedProperties: () => unknown,
  'false schema': () => unknown,
  additionalItems: p => atMost(p.limit, 'item', '项'),
  type: p => mustBe(...typeNouns(p.type)),
  enum: p => oneOf(p.allowedValues as unknown[]),
  const: p => mustBe(...valueNouns([p.allowedValue])),
  minLength: p => atLeast(p.limit, 'character', '个字符'),
  maxLength: p => atMost(p.limit, 'character', '个字符'),
  minItems: p => atLeast(p.limit, 'item', '项'),
  maxItems: p => atMost(p.limit, 'item', '项'),
  minProperties: p => atLeast(p.limit, 'entry', '项'),
  maxProperties: p => atMost(p.limit, 'entry', '项'),
  uniqueItems: () => duplicate,
  contains: () => ({ en: 'An item that is needed is not there.', 'zh-CN': '缺少必需的列表项。' }),
  minimum: p => ({ en: `Must be ${p.limit} or more.`, 'zh-CN': `不能小于 ${p.limit}。` }),
  maximum: p => ({ en: `Must be ${p.limit} or less.`, 'zh-CN': `不能大于 ${p.limit}。` }),
  exclusiveMinimum: p => ({ en: `Must be more than ${p.limit}.`, 'zh-CN': `必须大于 ${p.limit}。` }),
  exclusiveMaximum: p => ({ en: `Must be less than ${p.limit}.`, 'zh-CN': `必须小于 ${p.limit}。` }),
  multipleOf: p => ({
    en: `Must be a multiple of ${p.multipleOf}.`,
    'zh-CN': `必须是 ${p.multipleOf} 的倍数。`,
  }),
  format: p => mustBe(formatNoun(p.format)),
  pattern: p =>
    p.pattern === '\\S'
      ? { en: 'Must not be blank.', 'zh-CN': '不能只有空白。' }
      : { en: `Must have the form “${p.pattern}”.`, 'zh-CN': `格式应符合“${p.pattern}”。` },
  dependencies: p => ({
    en: `Goes only together with: ${p.missingProperty}.`,
    'zh-CN': `必须同时填写：${p.missingProperty}。`,
  }),
}
sentences.dependentRequired = sentences.dependencies as (params: Params) => Texts

/** A member whose name is refused, and why. */
export const badName = (why: Texts): Texts => ({
  en: `This name cannot be used. ${why.en}`,
  'zh-CN': `不能使用这个名称：${why['zh-CN']}`,
})
