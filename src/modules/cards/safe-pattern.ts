import type { Texts } from '#core/errors.ts'

/*
 * JavaScript's regular expressions search by trial, so a pattern such as (a+)+$ takes 2ⁿ steps. This reads a pattern
 * and says whether that can happen. It is strict rather than clever: it also refuses some that are harmless.
 */

/** Longest text that a checked pattern may be tried on. */
export const longestMatched = 100
/** Repeats of open length and choices in one pattern: each may multiply the steps by the length of the text. */
const mostOpen = 3
const mostRepeats = 1000

type Group = { isRepeated: boolean; hasChoice: boolean }
type Quantifier = { end: number; isFixed: boolean; isOptional: boolean; max: number }

const problems = {
  none: { en: 'This is not a regular expression.', 'zh-CN': '不是正则表达式。' },
  look: { en: 'Look-around and named groups are not allowed here.', 'zh-CN': '不能使用环视和命名分组。' },
  back: { en: 'References back are not allowed here.', 'zh-CN': '不能使用反向引用。' },
  repeats: {
    en: `More than ${mostRepeats} repeats are not allowed here.`,
    'zh-CN': `重复次数不能超过 ${mostRepeats}。`,
  },
  nested: {
    en: 'A repeated group may hold no repeats and no choices: it could take for ever.',
    'zh-CN': '重复的分组内不能再有重复或多选，否则匹配可能永远不会结束。',
  },
  open: {
    en: `More than ${mostOpen} choices and repeats of open length are not allowed here.`,
    'zh-CN': `多选和不定次数的重复最多 ${mostOpen} 处。`,
  },
} satisfies Record<string, Texts>

/** What is wrong with a pattern, in words, or null. */
export function patternProblem(pattern: string): Texts | null {
  try {
    new RegExp(pattern, 'u')
  } catch {
    return problems.none
  }
  const groups: Group[] = [{ isRepeated: false, hasChoice: false }]
  let open = 0
  for (let at = 0; at < pattern.length; ) {
    const letter = pattern[at]
    const top = groups.at(-1) as Group
    if (letter === '(') {
      if (pattern[at + 1] === '?' && pattern[at + 2] !== ':') return problems.look
      groups.push({ isRepeated: false, hasChoice: false })
      at += pattern[at + 1] === '?' ? 3 : 1
      continue
    }
    if (letter === '|') {
      if (!top.hasChoice) open += 1
      top.hasChoice = true
      at += 1
      continue
    }
    if (letter === '\\' && /[1-9k]/.test(pattern[at + 1] ?? '')) return problems.back
    const closed = letter === ')' ? groups.pop() : undefined
    const outer = groups.at(-1) as Group
    const quantifier = quantifierAt(pattern, endOfAtom(pattern, at))
    at = quantifier?.end ?? endOfAtom(pattern, at)
    if (closed) outer.isRepeated ||= closed.isRepeated
    if (!quantifier) {
      if (closed) outer.hasChoice ||= closed.hasChoice
      continue
    }
    if (quantifier.max > mostRepeats) return problems.repeats
    if (closed && !quantifier.isOptional && (closed.isRepeated || closed.hasChoice)) return problems.nested
    if (quantifier.isFixed) continue
    outer.isRepeated = true
    open += 1
  }
  return open > mostOpen ? problems.open : null
}

/** Behind one character, escape, class or closing bracket. */
function endOfAtom(pattern: string, at: number): number {
  if (pattern[at] === '\\') {
    const long = /^\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|.)/su.exec(
      pattern.slice(at),
    )
    return at + (long?.[0].length ?? 2)
  }
  if (pattern[at] !== '[') return at + 1
  let end = at + 1
  while (end < pattern.length && pattern[end] !== ']') end += pattern[end] === '\\' ? 2 : 1
  return end + 1
}

function quantifierAt(pattern: string, at: number): Quantifier | null {
  const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(pattern.slice(at))
  if (!match) return null
  const [whole, sign, min = '', comma, max = ''] = match
  const end = at + whole.length
  if (sign) return { end, isFixed: false, isOptional: sign === '?', max: 0 }
  return { end, isFixed: comma === '', isOptional: false, max: Math.max(Number(min), Number(max)) }
}
