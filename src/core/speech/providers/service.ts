import type { Clock } from '#core/clock.ts'
import type { Settings } from '#core/config.ts'
import type { Log } from '#core/log.ts'
import type { speechSettings } from '../settings.ts'
import { defaultLimits, type Limits } from './limits.ts'

export type ProviderOptions = {
  settings: Settings<typeof speechSettings>
  log: Log
  clock: Clock
  /** The tests shorten them. */
  limits?: Partial<Limits>
}

export const limitsOf = ({ limits }: ProviderOptions): Limits => ({ ...defaultLimits, ...limits })

/** An address that paths are added to. */
export const baseUrl = (given: string, usual: string): string => (given || usual).replace(/\/+$/, '')

/** The sample rate to ask for: the wanted one, else the next higher, else the highest. */
export const nearestRate = (rates: readonly number[], wanted: number): number =>
  rates.find(rate => rate >= wanted) ?? rates.at(-1) ?? wanted

/** A message that must be a JSON object. @throws SyntaxError */
export function readObject(data: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(data.toString())
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('no object')
  return value as Record<string, unknown>
}

/** The object under a name, or an empty one. */
export function objectIn(value: Record<string, unknown>, name: string): Record<string, unknown> {
  const inner = value[name]
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner)
    ? (inner as Record<string, unknown>)
    : {}
}

export const textIn = (value: Record<string, unknown>, name: string): string => {
  const inner = value[name]
  return typeof inner === 'string' ? inner : ''
}

/** Sentences in order, with a space between two that are not Chinese or Japanese. */
export function joinSentences(sentences: readonly string[]): string {
  let text = ''
  for (const sentence of sentences) {
    const needsSpace = /[\p{Script=Latin}\d.,!?;:]$/u.test(text) && /^[\p{Script=Latin}\d]/u.test(sentence)
    text += needsSpace ? ` ${sentence}` : sentence
  }
  return text
}

/** The beginning of a body as text. */
export async function readAtMost(body: AsyncIterable<Buffer>, most: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size > most) break
  }
  return Buffer.concat(chunks).toString()
}
