import type { AppError } from '#core/errors.ts'
import { scrub } from '#core/log.ts'
import {
  speechBadKey,
  speechFailed,
  speechMalformed,
  speechRateLimited,
  speechRejected,
  speechTimeout,
} from '../errors.ts'

export type FailureKind = 'key' | 'rate' | 'server' | 'network' | 'timeout' | 'malformed' | 'rejected'

/** What went wrong at a service, as far as a driver cares; callers get `error`. */
export class SpeechFailure extends Error {
  override name = 'SpeechFailure'
  readonly kind: FailureKind
  readonly error: AppError

  constructor(kind: FailureKind, message: string, error: (cause: Error) => AppError) {
    super(message)
    this.kind = kind
    this.error = error(this)
  }
}

const keyPattern =
  /access ?key|app ?key|secret|signature|token|unauthori[sz]ed|not granted|forbidden|invalid[_ ]api[_ ]?key|arrear|balance|insufficient|free_trial|鉴权|签名|密钥|欠费|余额|资源包|未开通|未授权/i
const ratePattern = /too[_ ]many|rate[_ ]?limit|concurren|flow control|throttl|quota exceeded|频率|并发|限流/i

/** Tells what a service's own words and HTTP status mean, where its code does not say it. */
export function kindOf(message: string, status?: number): FailureKind {
  if (status === 429 || (status !== 402 && ratePattern.test(message))) return 'rate'
  if (status === 401 || status === 402 || status === 403 || keyPattern.test(message)) return 'key'
  if (status !== undefined && (status >= 500 || status === 408)) return 'server'
  return 'rejected'
}

export type Failures = {
  of(kind: FailureKind, message: string): SpeechFailure
  /** A refusal over HTTP: its status and the beginning of its body. */
  ofResponse(status: number, body: string): SpeechFailure
  /** Whatever was thrown while talking to the service. */
  from(error: unknown): SpeechFailure
}

/**
 * Makes failures of one service. Its words may quote what we sent, so every secret that `secrets` names is blanked in
 * them before they go anywhere.
 */
export function createFailures(provider: string, secrets: () => readonly string[]): Failures {
  const clean = (message: string): string => {
    let text = message
    for (const value of secrets()) if (value.length >= 4) text = text.replaceAll(value, '[redacted]')
    return scrub(text).replace(/\s+/g, ' ').trim().slice(0, 300)
  }
  const of = (kind: FailureKind, message: string): SpeechFailure => {
    const reason = clean(message)
    return new SpeechFailure(kind, `${provider}: ${reason}`, cause => {
      switch (kind) {
        case 'key':
          return speechBadKey({ provider }, { cause })
        case 'rate':
          return speechRateLimited({ provider }, { cause })
        case 'timeout':
          return speechTimeout({ provider }, { cause })
        case 'malformed':
          return speechMalformed({ provider }, { cause })
        case 'rejected':
          return speechRejected({ provider, reason }, { cause })
        default:
          return speechFailed({ provider }, { cause })
      }
    })
  }
  return {
    of,
    ofResponse(status, body) {
      const message = messageIn(body)
      return of(kindOf(message, status), `HTTP ${status} ${message}`)
    },
    from(error) {
      if (error instanceof SpeechFailure) return error
      if (!(error instanceof Error)) return of('network', 'network')
      const code = 'code' in error ? String(error.code) : ''
      if (error.name === 'TimeoutError' || code.includes('TIMEOUT') || code === 'ETIMEDOUT')
        return of('timeout', code || error.message)
      if (code.startsWith('WS_ERR') || code.startsWith('HPE_') || error instanceof SyntaxError)
        return of('malformed', error.message)
      return of('network', code || error.message)
    },
  }
}

/** The sentence in a JSON error of any of the services, or ''. Other bodies (pages of a proxy) say nothing to a reader. */
function messageIn(body: string): string {
  try {
    const found = textIn(JSON.parse(body))
    return found ?? ''
  } catch {
    return ''
  }
}

function textIn(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return null
  for (const [name, inner] of Object.entries(value)) {
    if (/^(message|error|msg|status_?text|header|Response)$/i.test(name)) {
      const text = textIn(inner)
      if (text !== null) return text
    }
  }
  return null
}
