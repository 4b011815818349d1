import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import {
  AppError,
  internalError,
  invalidInput,
  isAbort,
  type Locale,
  notFound,
  payloadTooLarge,
  translateError,
  translateIssues,
  unsupportedMediaType,
} from '#core/errors.ts'
import type { Log } from '#core/log.ts'
import { inputIssues } from './input-issues.ts'
import { localeOf } from './locale.ts'

/** Brings whatever was thrown into the one error type. Only AppErrors speak for themselves. */
export function toAppError(error: unknown, request: FastifyRequest): AppError {
  if (error instanceof AppError) return error
  const { code, validation, validationContext } = error as FastifyError
  if (validation) {
    const part = validationContext === 'querystring' ? 'query' : (validationContext ?? 'body')
    const issues = inputIssues(validation as Parameters<typeof inputIssues>[0], part)
    return invalidInput({}, { issues, cause: error })
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || code === 'FST_REQ_FILE_TOO_LARGE') {
    return payloadTooLarge({ limit: request.routeOptions?.bodyLimit ?? 0 }, { cause: error })
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || code === 'FST_INVALID_MULTIPART_CONTENT_TYPE') {
    return unsupportedMediaType({}, { cause: error })
  }
  if (code === 'FST_ERR_NOT_FOUND') return notFound()
  if (
    error instanceof SyntaxError ||
    code?.startsWith('FST_ERR_CTP') ||
    code?.startsWith('FST_ERR_BAD_URL')
  ) {
    return invalidInput({}, { issues: [{ pointer: '/body', detail: notJson }], cause: error })
  }
  if (isRefusal(error, request)) return invalidInput({}, { cause: error })
  return internalError({ request_id: request.id }, { cause: error })
}

const notJson = { en: 'This is not valid JSON.', 'zh-CN': '不是有效的 JSON。' }

/** What is left of Fastify's own refusals, and the parser of forms, whose errors have no code to know them by. */
function isRefusal(error: unknown, request: FastifyRequest): boolean {
  const { code, statusCode = 500, message } = error as FastifyError
  if (code?.startsWith('FST_')) return statusCode >= 400 && statusCode < 500
  return request.isMultipart?.() === true && /^(multipart: |unexpected end of|part terminated)/i.test(message)
}

/** Answers with problem+json (RFC 9457), or the envelope when the caller asked for it. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  const problem = toAppError(error, request)
  if (problem.status >= 500 && !isAbort(error))
    log.error({ error: problem.cause ?? problem, code: problem.code }, 'a request failed')
  if (problem.retryAfter !== undefined)
    reply.header('retry-after', Math.max(1, Math.ceil(problem.retryAfter)))
  const locale = request.locale ?? localeOf(request.headers['accept-language'])
  const detail = translateError(problem, locale)
  const errors = translateIssues(problem, locale)
  reply.status(problem.status)
  if (request.wantsEnvelope) {
    reply
      .type(envelopeType)
      .serializer((body: unknown) => JSON.stringify(body))
      .send({
        status: 'error',
        code: problem.status,
        data: {
          code: problem.code,
          details: problem.details,
          errors,
          request_id: request.id,
        },
        message: detail,
      })
    return
  }
  reply
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send({
      type: 'about:blank',
      title: STATUS_CODES[problem.status],
      status: problem.status,
      code: problem.code,
      detail,
      request_id: request.id,
      ...(Object.keys(problem.details).length > 0 ? { details: problem.details } : {}),
      ...(errors ? { errors } : {}),
    })
}

export const envelopeType = 'application/vnd.banyan.envelope+json'

/** The seeds' envelope around a JSON text. */
export const envelope = (json: string, status: number, locale: Locale): string =>
  `{"status":"success","code":${status},"data":${json === '' ? 'null' : json},"message":"${locale === 'en' ? 'OK' : '操作成功'}"}`
