import { AppError } from '#core/errors.ts'
import { scrub } from '#core/log.ts'
import {
  badKey,
  contentRefused,
  contextTooLong,
  notSupported,
  upstreamFailed,
  upstreamMalformed,
  upstreamModelMissing,
  upstreamRateLimited,
  upstreamRejected,
  upstreamTimeout,
} from './errors.ts'
import type { ResponseHeaders } from './exchange.ts'
import type { Target } from './types.ts'

/**
 * What went wrong at a provider, as far as routing cares: `key` and `rate` rest the key; `server`, `network`,
 * `timeout` and `malformed` count against the provider; `model` moves on; the rest is the request's own fault and
 * would fail anywhere.
 */
export type FailureKind =
  | 'key'
  | 'rate'
  | 'server'
  | 'network'
  | 'timeout'
  | 'malformed'
  | 'model'
  | 'context'
  | 'refused'
  | 'request'
  | 'unsupported'

/** Inside the gateway only; callers get the AppError of `toAppError`. */
export class UpstreamFailure extends Error {
  override name = 'UpstreamFailure'
  readonly kind: FailureKind
  /** Seconds that the provider asks us to wait. */
  readonly retryAfter: number | undefined

  constructor(kind: FailureKind, message: string, extras: { cause?: unknown; retryAfter?: number } = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause })
    this.kind = kind
    this.retryAfter = extras.retryAfter
  }
}

const contextPattern =
  /context[_ ]length|context window|maximum context|prompt is too long|too many tokens|range of input length|exceeds? .{0,40}(?:token|context)/i
const refusedPattern =
  /content[_ ]?(?:filter|policy)|data[_ ]?inspection|sensitive|inappropriate content|moderation|"1301"|high risk/i
const emptyAccountPattern = /insufficient[_ ](?:quota|balance)|arrear|欠费|余额/i
const keyPattern = /invalid[_ ]api[_ ]?key|incorrect api key|authentication|unauthorized/i

/** Reads a refusal: the status and a small part of the body, of which only `error.message` may be shown. */
export function failureOfResponse(status: number, headers: ResponseHeaders, body: string): UpstreamFailure {
  const message = errorMessage(body)
  const retryAfter = retryAfterSeconds(headers)
  const fail = (kind: FailureKind) => new UpstreamFailure(kind, message || `HTTP ${status}`, { retryAfter })
  if (status === 402 || (status === 429 && emptyAccountPattern.test(body))) return fail('key')
  if (status === 429) return fail('rate')
  if (status >= 500 || status === 408) return fail('server')
  if (contextPattern.test(body) || status === 413) return fail('context')
  if (refusedPattern.test(body) || status === 451) return fail('refused')
  if (status === 401 || status === 403 || keyPattern.test(body) || emptyAccountPattern.test(body))
    return fail('key')
  if (status === 404) return fail('model')
  return fail(status >= 400 ? 'request' : 'malformed')
}

/** Reads an error that came inside a stream that had begun with 200. */
export function failureOfEvent(error: unknown): UpstreamFailure {
  const body = JSON.stringify(error) ?? ''
  const message = errorMessage(`{"error":${body}}`)
  if (/rate[_ ]?limit/i.test(body)) return new UpstreamFailure('rate', message)
  if (contextPattern.test(body)) return new UpstreamFailure('context', message)
  if (refusedPattern.test(body)) return new UpstreamFailure('refused', message)
  return new UpstreamFailure('server', message)
}

/** Any error of an attempt as a failure. */
export function asFailure(error: unknown): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.endsWith('TIMEOUT')) return new UpstreamFailure('timeout', code, { cause: error })
  if (error instanceof SyntaxError) return new UpstreamFailure('malformed', 'not JSON', { cause: error })
  return new UpstreamFailure('network', code || 'network', { cause: error })
}

/** What the caller sees. The provider is named by its id; its own words only where they explain a bad request. */
export function toAppError(failure: UpstreamFailure, target: Target): AppError {
  const provider = target.provider_id
  const extras = { cause: failure, retryAfter: failure.retryAfter }
  switch (failure.kind) {
    case 'key':
      return badKey({ provider }, extras)
    case 'rate':
      return upstreamRateLimited({ provider }, extras)
    case 'timeout':
      return upstreamTimeout({ provider }, extras)
    case 'malformed':
      return upstreamMalformed({ provider }, extras)
    case 'model':
      return upstreamModelMissing({ provider, model: target.upstream_model }, extras)
    case 'context':
      return contextTooLong({}, extras)
    case 'refused':
      return contentRefused({ provider }, extras)
    case 'request':
      // What was refused here, before anybody was asked, speaks for itself.
      if (failure.cause instanceof AppError) return failure.cause
      return upstreamRejected({ provider, reason: failure.message }, extras)
    case 'unsupported':
      return notSupported({ provider, what: failure.message }, extras)
    default:
      return upstreamFailed({ provider }, extras)
  }
}

/** `error.message` of a provider's JSON, without anything that looks like a key, at most 300 characters. */
function errorMessage(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed !== 'object' || parsed === null) return ''
    const error = 'error' in parsed ? parsed.error : parsed
    const message =
      typeof error === 'string'
        ? error
        : typeof error === 'object' && error !== null && 'message' in error
          ? error.message
          : ''
    return typeof message === 'string' ? scrub(message).replace(/\s+/g, ' ').slice(0, 300) : ''
  } catch {
    return ''
  }
}

/** RFC 9110 § 10.2.3 (seconds or a date), and OpenAI's `retry-after-ms`. At most an hour. */
function retryAfterSeconds(headers: ResponseHeaders): number | undefined {
  const milliseconds = Number(headers['retry-after-ms'])
  if (Number.isFinite(milliseconds) && milliseconds > 0) return Math.min(3600, Math.ceil(milliseconds / 1000))
  const value = headers['retry-after']
  if (typeof value !== 'string' || value === '') return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.min(3600, Math.max(1, Math.ceil(seconds))) : undefined
}
