import { tokensOfCharacters } from './tokens.ts'
import type { Delta, Usage } from './types.ts'

/** ASCII characters, and all others: what an estimate of tokens is made from. */
export type Characters = { narrow: number; wide: number }

/** Adds what a delta says to a count. */
export function countDelta(characters: Characters, delta: Delta): void {
  if (delta.type === 'finish' || delta.type === 'usage') return
  const text = delta.type === 'tool_call' ? (delta.arguments ?? '') : delta.text
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x80) characters.narrow++
    else characters.wide++
  }
}

/**
 * The usage of an answer that broke off. What a provider had counted by then lags behind what it had sent
 * (Anthropic starts with an output of 1), so the answer counts for at least what came of it.
 */
export const partialUsage = (usage: Usage, characters: Characters): Usage => ({
  ...usage,
  completion_tokens: Math.max(usage.completion_tokens, tokensOfCharacters(characters)),
  source: 'partial',
})
