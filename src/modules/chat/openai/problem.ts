import type { FastifyReply, FastifyRequest } from 'fastify'
import { type AppError, isAbort, type Locale, translateError, translateIssues } from '#core/errors.ts'
import { toAppError } from '#core/http/problem.ts'
import type { Log } from '#core/log.ts'

type OpenAiError = { message: string; type: string; param: string | null; code: string | null }

/** What clients of OpenAI's API switch on, where it differs from our own code. */
const codes: Record<string, { type: string; code: string; param?: string }> = {
  'auth.required': { type: 'invalid_request_error', code: 'invalid_api_key' },
  'ai.model_not_found': { type: 'invalid_request_error', code: 'model_not_found', param: 'model' },
  'ai.context_too_long': {
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    param: 'messages',
  },
  'ai.content_refused': { type: 'invalid_request_error', code: 'content_filter' },
  'quota.exceeded': { type: 'insufficient_quota', code: 'insufficient_quota' },
  'quota.spend_cap_reached': { type: 'insufficient_quota', code: 'insufficient_quota' },
  'rate.limited': { type: 'requests', code: 'rate_limit_exceeded' },
}

const typeOf = (status: number): string => {
  if (status === 401) return 'invalid_request_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'requests'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

export function openAiError(problem: AppError, locale: Locale): OpenAiError {
  const known = codes[problem.code]
  const [issue] = translateIssues(problem, locale) ?? []
  const message = translateError(problem, locale)
  return {
    message: issue ? `${message} ${issue.pointer}: ${issue.detail}` : message,
    type: known?.type ?? typeOf(problem.status),
    param: known?.param ?? issue?.pointer.replace(/^\/body\/?/, '').replaceAll('/', '.') ?? null,
    code: known?.code ?? problem.code,
  }
}

/** Answers errors of the door as OpenAI does, in English unless Chinese is asked for: its readers are programs. */
export function sendOpenAiError(
  error: unknown,
  { request, reply, log }: { request: FastifyRequest; reply: FastifyReply; log: Log },
) {
  const problem = toAppError(error, request)
  if (problem.status >= 500 && !isAbort(error)) {
    log.warn({ error: problem.cause ?? problem, code: problem.code }, 'a request at the OpenAI door failed')
  }
  if (problem.retryAfter !== undefined)
    reply.header('retry-after', Math.max(1, Math.ceil(problem.retryAfter)))
  const locale = request.headers['accept-language']?.startsWith('zh') ? 'zh-CN' : 'en'
  const body = JSON.stringify({ error: openAiError(problem, locale) })
  return reply
    .status(problem.status)
    .type('application/json')
    .serializer((text: unknown) => text as string)
    .send(body)
}
