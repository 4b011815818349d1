import { spokenText } from './spoken-text.ts'

/** A part of a text that can be spoken by itself. */
export type Sentence = {
  /** What is to be spoken: without Markdown, code, addresses and emoji. '' where nothing of it is. */
  text: string
  /** The same part as it was written. All of them together are the whole text. */
  raw: string
}

export type SentenceSplitter = {
  /** More of the text, cut anywhere. Gives the sentences that are complete by now. */
  push(text: string): Sentence[]
  /** The text is over: gives the rest. The splitter begins anew. */
  end(): Sentence[]
}

/** Lengths are widths: a Chinese character counts 2, a Latin letter 1. */
const firstClause = 8
const longClause = 80
/** Nothing longer is spoken in one piece: about 15 seconds. */
const longest = 160
/** A part without anything to speak, such as a line of code, is given away after so many UTF-16 units. */
const longestRaw = 4000

/**
 * Cuts a text that is still being written into sentences. The first one may be a clause, so that speaking begins early;
 * afterwards only long sentences are cut at clauses. The result does not depend on how the text was cut.
 */
export function createSentenceSplitter(): SentenceSplitter {
  let rest = ''
  let place: Place = { isFirst: true, isLineStart: true, fence: null }

  const take = ({ end, opens }: Cut): Sentence => {
    const raw = rest.slice(0, end)
    rest = rest.slice(end)
    const isCode = place.fence !== null || opens !== null
    const closes = place.fence !== null && place.isLineStart && closesFence(raw, place.fence)
    const text = isCode ? '' : spokenText(raw, place.isLineStart)
    place = {
      isFirst: place.isFirst && text === '',
      isLineStart: raw.endsWith('\n'),
      fence: closes ? null : (place.fence ?? opens),
    }
    return { text, raw }
  }
  const takeAll = (isOver: boolean): Sentence[] => {
    const found: Sentence[] = []
    for (let cut = findCut(rest, place, isOver); cut !== null; cut = findCut(rest, place, isOver))
      found.push(take(cut))
    return found
  }
  return {
    push(text) {
      rest += text
      return takeAll(false)
    },
    end() {
      const found = takeAll(true)
      place = { isFirst: true, isLineStart: true, fence: null }
      return found
    },
  }
}

/** A whole text, cut into sentences. */
export function splitSentences(text: string): Sentence[] {
  const splitter = createSentenceSplitter()
  return [...splitter.push(text), ...splitter.end()]
}

/** What stands before the part that is looked at. `fence`: the marks that opened the code in which it is. */
type Place = { isFirst: boolean; isLineStart: boolean; fence: string | null }

/** Where a part ends, and the marks of the fence that it opens. */
type Cut = { end: number; opens: string | null }

/** The marks with which a line begins code. Backticks after them say that it is code within a line. */
function openingMarks(line: string): string | null {
  const [, marks = '', rest = ''] = /^[ \t>]{0,40}(`{3,}|~{3,})(.*)/.exec(line) ?? []
  return marks === '' || (marks.startsWith('`') && rest.includes('`')) ? null : marks
}

const closesFence = (line: string, fence: string): boolean => {
  const marks = /^[ \t>]*(`+|~+)\s*$/.exec(line)?.[1] ?? ''
  return marks.startsWith(fence)
}

const mayOpenFence = /^[ \t>]{0,40}(?:`{0,2}|~{0,2}|`{3,}[^`]*|~{3,}.*)$/

/** The marks of a fence that opens at the start of a line, or none; `undecided` when what follows decides it. */
function fenceAt(text: string, at: number, isOver: boolean): string | null | 'undecided' {
  const newline = text.indexOf('\n', at)
  const end = newline >= 0 ? newline : text.length
  const line = text.slice(at, Math.min(end, at + longestRaw))
  const isWhole = isOver || at + line.length < text.length
  return !isWhole && mayOpenFence.test(line) ? 'undecided' : openingMarks(line)
}

/**
 * Where the next part ends, or null when that depends on what follows. Once it is known, more text does not change
 * it: that makes the result independent of the pieces.
 */
function findCut(text: string, place: Place, isOver: boolean): Cut | null {
  if (text === '') return null
  const opens = place.fence === null && place.isLineStart ? fenceAt(text, 0, isOver) : null
  if (opens === 'undecided') return null
  const isCode = place.fence !== null || opens !== null
  const end = isCode
    ? (endOfLine(text) ?? (isOver ? text.length : null))
    : findSentenceEnd(text, place, isOver)
  return end === null ? null : { end, opens }
}

function endOfLine(text: string): number | null {
  const newline = text.indexOf('\n')
  if (newline >= 0 && newline < longestRaw) return newline + 1
  return text.length > longestRaw ? safeCut(text, longestRaw) : null
}

/** Not between the halves of a surrogate pair. */
const safeCut = (text: string, at: number): number =>
  /[\uD800-\uDBFF]/.test(text[at - 1] ?? '') ? at - 1 : at

function findSentenceEnd(text: string, { isFirst }: Place, isOver: boolean): number | null {
  const clauseAt = isFirst ? firstClause : longClause
  let width = 0
  let hasContent = false
  let isUrl = false
  let soft = 0
  let next = 0
  for (let at = 0; at < text.length; at = next) {
    const char = String.fromCodePoint(text.codePointAt(at) ?? 0)
    next = at + char.length
    if (next === text.length && !isOver && /[\uD800-\uDBFF]/.test(char)) return null
    if (width >= longest && !joins(text, at, char)) return soft || at
    if (at >= longestRaw) return safeCut(text, at)
    if (at > 0 && text[at - 1] === '\n') {
      const opens = fenceAt(text, at, isOver)
      if (opens !== null) return opens === 'undecided' ? null : at
    }
    const url: boolean | null = isUrl ? urlGoesOn(text, at, isOver) : beginsUrl(text, at)
    if (url === null) return null
    isUrl = url
    if (!isUrl) width += (char.codePointAt(0) ?? 0) >= 0x2e80 ? 2 : 1
    hasContent ||= /[\p{L}\p{N}]/u.test(char)
    if (char === '\n' && hasContent) return next
    if (isUrl) continue
    const mark = markAt(text, at, isOver)
    if (mark === null) return null
    if (mark.kind === 'none') continue
    next = Math.max(next, mark.end)
    if (!hasContent) continue
    if (mark.kind === 'end' || (mark.kind === 'clause' && width >= clauseAt)) return next
    soft = next
  }
  return isOver ? text.length : null
}

/** True where a cut before `at` would tear one character apart: accents, emoji of several parts. */
const joins = (text: string, at: number, char: string): boolean =>
  /[\p{M}\p{EMod}\u200D]/u.test(char) || text[at - 1] === '\u200D'

/** From here on an address is not spoken, so it has no width. */
const beginsUrl = (text: string, at: number): boolean =>
  (text[at] === '/' && /(?:https?|ftp|wss?):\/$/i.test(text.slice(Math.max(0, at - 7), at))) ||
  (text[at] === '.' && /(?:^|[^\w.])www$/i.test(text.slice(Math.max(0, at - 4), at)))

/** ASCII without `"`, `)` and `>`. */
const urlCharacter = /[!#-(*-=?-~]/
/** What ends a sentence, or an emphasis, rather than an address. */
const urlTrailing = /[.,!?;:'*|`]/

/** Whether an address goes on with this character; null when what follows decides it. */
function urlGoesOn(text: string, at: number, isOver: boolean): boolean | null {
  const char = text[at] ?? ''
  if (!urlCharacter.test(char) || !urlTrailing.test(char)) return urlCharacter.test(char)
  const end = runEnd(text, at, urlTrailing)
  return end === text.length && !isOver ? null : urlCharacter.test(text[end] ?? '')
}

type Mark = { kind: 'none' } | { kind: 'end' | 'clause' | 'soft'; end: number }

const none: Mark = { kind: 'none' }
const wideEnd = /[。！？；｡]/
const trailing = /[。！？；｡!?.…”’」』）】》〉"')\]}*_`~]/
/** What belongs to the clause before it. A straight quotation mark may as well open the next. */
const closing = /[”’」』）】》〉]/
const asciiMark = /[,:;]/

/** What the punctuation at this place means, and where it ends; null when what follows decides it. */
function markAt(text: string, at: number, isOver: boolean): Mark | null {
  const char = text[at] ?? ''
  if (/[。！？；｡!?.…]/.test(char)) return endAt(text, at, isOver)
  if (/[，：—]/.test(char)) {
    const end = runEnd(text, runEnd(text, at, /—/) - 1, closing)
    if (end === text.length && !isOver) return null
    const isTime = char === '：' && /\d/.test(text[at - 1] ?? '') && /\d/.test(text[end] ?? '')
    return isTime ? none : { kind: 'clause', end }
  }
  if (char === '、' || char === ' ') return { kind: 'soft', end: at + 1 }
  if (!asciiMark.test(char)) return none
  if (at + 1 === text.length) return isOver ? { kind: 'clause', end: at + 1 } : null
  return /\s|[^\0-\x7F]/.test(text[at + 1] ?? '') ? { kind: 'clause', end: at + 1 } : none
}

/** What may end a sentence, with the quotation marks and the like after it. */
function endAt(text: string, at: number, isOver: boolean): Mark | null {
  const end = runEnd(text, at, trailing)
  if (end === text.length && !isOver) return null
  const run = text.slice(at, end)
  if (wideEnd.test(run)) return { kind: 'end', end }
  if (run.startsWith('…')) return { kind: /[!?]/.test(run) ? 'end' : 'clause', end }
  const isFree = end === text.length || /\s|[^\0-\x7F]/.test(text[end] ?? '')
  if (!isFree) return none
  return run.startsWith('.') ? dotAt(text, at, end, isOver) : { kind: 'end', end }
}

function runEnd(text: string, at: number, chars: RegExp): number {
  let end = at + 1
  while (end < text.length && chars.test(text[end] ?? '')) end++
  return end
}

/** Words that a dot belongs to. */
const neverEnds =
  /(?:^|[\s("'“\u2E80-\uFFFF])(?:mr|mrs|ms|dr|prof|st|vs|approx|gen|rep|sen|e\.g|i\.e|cf|ph\.d|[a-z])$/i
/** U.S, J.R.R */
const initials = /(?:^|[^\p{Script=Latin}\p{N}])(?:\p{Lu}\.)+\p{Lu}$/u
/** Words that a number follows. */
const counts =
  /(?:^|[\s("'“\u2E80-\uFFFF])(?:nos?|nr|vol|figs?|sec|ch|chap|pp?|art|eq|ver|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)$/i

/** A dot before a space, a wide character or the end of the text. */
function dotAt(text: string, at: number, end: number, isOver: boolean): Mark | null {
  const before = text.slice(0, at)
  if (/^\.{2,}/.test(text.slice(at, end))) return { kind: 'clause', end }
  const isListNumber = /(?:^|\n)\s*\d{1,3}$/.test(before)
  if (isListNumber || neverEnds.test(before.slice(-12)) || initials.test(before.slice(-12))) return none
  const gap = /^\s*/.exec(text.slice(end))?.[0] ?? ''
  const follows = text[end + gap.length]
  if (gap.includes('\n') || (follows === undefined && isOver)) return { kind: 'end', end }
  if (follows === undefined) return null
  if (/\d/.test(follows) && counts.test(before.slice(-6))) return none
  // “1. 打开 2. 关闭”: a list in one line.
  if (/\s\d{1,2}$/.test(before) && /[\u2E80-\uFFFF]/.test(follows)) return none
  // “approx. five”, “etc. and so on”: a sentence does not begin with a small letter.
  return /\p{Ll}/u.test(follows) ? none : { kind: 'end', end }
}
