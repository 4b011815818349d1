/** The two languages that Banyan answers in. */
export type Locale = 'zh-CN' | 'en'

/** Values that fill the `{placeholders}` of an error's text and reach the client as they are: nothing secret. */
export type ErrorDetails = Record<string, string | number | boolean | null>

/** A text in both languages. */
export type Texts = Record<Locale, string>

/** One bad part of the input: a JSON pointer into the body, or `/query/limit`, and what is wrong with it. */
export type InputIssue = { pointer: string; detail: Texts }

type ErrorDefinition = {
  /** `noun.problem`, stable: clients switch on it. */
  code: string
  /** HTTP status that the error maps to. */
  status: number
  en: string
  'zh-CN': string
  /** What words of the API are called in a text, where they stand in the details; several are parted by `, `. */
  names?: Record<string, Texts>
}

const catalogue = new Map<string, ErrorDefinition>()

/** The one error type that reaches users. Everything else is hidden behind a request id. */
export class AppError extends Error {
  readonly code: string
  readonly status: number
  readonly details: ErrorDetails
  readonly issues: InputIssue[] | undefined
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  readonly retryAfter: number | undefined

  constructor(definition: ErrorDefinition, details: ErrorDetails, options: ErrorExtras = {}) {
    super(fill(definition, 'en', details), options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = definition.code
    this.status = definition.status
    this.details = details
    this.issues = options.issues
    this.retryAfter = options.retryAfter
  }
}

export type ErrorExtras = { cause?: unknown; issues?: InputIssue[]; retryAfter?: number }

/**
 * Declares an error with its code, status and both texts, and returns the function that makes it:
 *
 *     export const conversationNotFound = defineError({ code: 'conversation.not_found', status: 404, … })
 *     throw conversationNotFound()
 */
export function defineError(definition: ErrorDefinition) {
  catalogue.set(definition.code, definition)
  return (details: ErrorDetails = {}, extras?: ErrorExtras) => new AppError(definition, details, extras)
}

/** The text of an error in the reader's language, its placeholders filled. */
export function translateError(error: AppError, locale: Locale): string {
  const definition = catalogue.get(error.code)
  return definition ? fill(definition, locale, error.details) : error.message
}

/** What is wrong with the input part by part, in the reader's language. */
export function translateIssues({ issues }: AppError, locale: Locale) {
  return issues?.map(({ pointer, detail }) => ({ pointer, detail: detail[locale] }))
}

/** All declared errors, for the documentation and for the test that both texts exist. */
export function errorCatalogue(): readonly ErrorDefinition[] {
  return [...catalogue.values()]
}

/** Why Banyan cannot start: a sentence for the person at the terminal, who is shown no stack. */
export class StartError extends Error {
  override name = 'StartError'
}

/** True for what happens when the client goes away or a caller cancels: not a failure, never logged as one. */
export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' ||
      ('code' in error && (error.code === 'ABORT_ERR' || error.code === 'UND_ERR_ABORTED')))
  )
}

function fill(definition: ErrorDefinition, locale: Locale, details: ErrorDetails): string {
  return definition[locale].replace(/\{(\w+)\}/g, (whole, key: string) =>
    key in details ? named(definition, locale, String(details[key])) : whole,
  )
}

function named({ names }: ErrorDefinition, locale: Locale, words: string): string {
  if (!names) return words
  const called = words.split(', ').map(word => (Object.hasOwn(names, word) && names[word]?.[locale]) || word)
  return called.join(locale === 'zh-CN' ? '、' : ', ')
}

export const invalidInput = defineError({
  code: 'input.invalid',
  status: 400,
  en: 'Some of the input is not valid. See the list of errors.',
  'zh-CN': '部分输入不正确，请查看错误列表。',
})
export const unauthenticated = defineError({
  code: 'auth.required',
  status: 401,
  en: 'Sign in first.',
  'zh-CN': '请先登录。',
})
export const forbidden = defineError({
  code: 'auth.forbidden',
  status: 403,
  en: 'Your account may not do this. It needs the permission “{permission}”.',
  'zh-CN': '您的账号没有此操作的权限（{permission}）。',
})
export const notFound = defineError({
  code: 'resource.not_found',
  status: 404,
  en: 'There is nothing at this address.',
  'zh-CN': '这里什么都没有。',
})
export const rateLimited = defineError({
  code: 'rate.limited',
  status: 429,
  en: 'Too many requests. Try again in {seconds} s.',
  'zh-CN': '请求过于频繁，请在 {seconds} 秒后重试。',
})
export const payloadTooLarge = defineError({
  code: 'input.too_large',
  status: 413,
  en: 'The request is larger than {limit} bytes.',
  'zh-CN': '请求超过了 {limit} 字节的上限。',
})
export const unsupportedMediaType = defineError({
  code: 'input.unsupported_media_type',
  status: 415,
  en: 'This content type is not accepted here.',
  'zh-CN': '此处不接受这种内容类型。',
})
export const internalError = defineError({
  code: 'server.internal',
  status: 500,
  en: 'Something went wrong on our side. Tell the operator the request id {request_id}.',
  'zh-CN': '服务器出了点问题，请把请求编号 {request_id} 告诉管理员。',
})
export const unavailable = defineError({
  code: 'server.unavailable',
  status: 503,
  en: 'The server is starting or stopping. Try again in a moment.',
  'zh-CN': '服务器正在启动或停止，请稍后再试。',
})
