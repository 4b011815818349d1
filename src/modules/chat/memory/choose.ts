import { estimateTokens } from '#core/ai/tokens.ts'
import { searchTerms } from '#core/db/search.ts'
import type { Fact } from './store.ts'

/** A fact with what it takes up in a prompt. */
export type SizedFact = Fact & { tokens: number }

/** What stands around a fact in the list. */
const tokensPerLine = 2

export const sized = (facts: readonly Fact[]): SizedFact[] =>
  facts.map(fact => ({ ...fact, tokens: estimateTokens(fact.content) + tokensPerLine }))

/**
 * The facts that go into a prompt, oldest first: all of them where `budget` tokens hold them; otherwise those that
 * share the most words with the question, then the newest. The same facts and question give the same choice.
 */
export function chooseFacts(facts: readonly SizedFact[], question: string, budget: number): SizedFact[] {
  const total = facts.reduce((sum, fact) => sum + fact.tokens, 0)
  const isAll = total <= budget
  const wanted = isAll ? new Set<string>() : searchTerms(question)
  const scored = facts.map(fact => ({ fact, score: isAll ? 0 : shared(wanted, fact.content) }))
  scored.sort((a, b) => b.score - a.score || (a.fact.id < b.fact.id ? 1 : -1))
  const chosen: SizedFact[] = []
  let used = 0
  for (const { fact } of scored) {
    if (used + fact.tokens > budget) continue
    used += fact.tokens
    chosen.push(fact)
  }
  return chosen.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function shared(wanted: ReadonlySet<string>, text: string): number {
  let count = 0
  for (const term of searchTerms(text)) if (wanted.has(term)) count++
  return count
}

/** Two texts that say the same in nearly the same words: 1 is equal, 0 has nothing in common. */
export function likeness(a: string, b: string): number {
  const [left, right] = [pairsOf(a), pairsOf(b)]
  if (left.size === 0 || right.size === 0) return bare(a) === bare(b) ? 1 : 0
  let common = 0
  for (const pair of left) if (right.has(pair)) common++
  return (2 * common) / (left.size + right.size)
}

const bare = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')

function pairsOf(text: string): Set<string> {
  const letters = [...bare(text)]
  return new Set(letters.slice(1).map((letter, i) => `${letters[i]}${letter}`))
}
