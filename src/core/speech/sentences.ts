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

  const take = (length: number): Sentence => {
    const raw = rest.slice(0, length)
    rest = rest.slice(length)
    const mark = place.isLineStart ? fenceOf(raw) : null
    const isCode = place.fence !== null || mark !== null
    let { fence } = place
    if (mark && fence === null) fence = mark
    else if (mark && mark === fence) fence = null
    const text = isCode ? '' : spokenText(raw, place.isLineStart)
    place = { isFirst: place.isFirst && text === '', isLineStart: raw.endsWith('\n'), fence }
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

/** What stands before the part that is looked at. */
type Place = { isFirst: boolean; isLineStart: boolean; fence: string | null }

const fenceOf = (line: string): string | null => /^ {0,3}(```|~~~)/.exec(line)?.[1] ?? null

/** Whether a code fence opens or closes at the start of a line; null when what follows decides it. */
function isFence(text: string, at: number, isOver: boolean): boolean | null {
  const begin = text.slice(at, at + 6)
  if (fenceOf(begin)) return true
  return !isOver && /^ {0,3}(`{0,2}|~{0,2})$/.test(begin) && at + begin.length === text.length ? null : false
}

/**
 * Where the next part ends, or null when that depends on what follows. Once it is a number, more text does not change
 * it: that makes the result independent of the pieces.
 */
function findCut(text: string, place: Place, isOver: boolean): number | null {
  if (text === '') return null
  const atEnd = isOver ? text.length : null
  if (place.isLineStart) {
    const opens = isFence(text, 0, isOver)
    if (opens === null) return null
    if (opens) return endOfLine(text) ?? atEnd
  }
  if (place.fence !== null) return endOfLine(text) ?? atEnd
  return findSentenceEnd(text, place, isOver)
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
      const opens = isFence(text, at, isOver)
      if (opens === null) return null
      if (opens) return at
    }
    isUrl = isUrl ? /[!-~]/.test(char) && !/[)>"]/.test(char) : endsScheme(text, at)
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

/** The second slash of an address: from there on it is not spoken, so it has no width. */
const endsScheme = (text: string, at: number): boolean =>
  text[at] === '/' && /https?:\/$/i.test(text.slice(Math.max(0, at - 7), at))

type Mark = { kind: 'none' } | { kind: 'end' | 'clause' | 'soft'; end: number }

const none: Mark = { kind: 'none' }
const wideEnd = /[。！？；｡]/
const narrowEnd = /[!?]/
const trailing = /[。！？；｡!?.…”’」』）】》〉"')\]}*_`~]/
const asciiMark = /[,:;]/

/** What the punctuation at this place means, and where it ends; null when what follows decides it. */
function markAt(text: string, at: number, isOver: boolean): Mark | null {
  const char = text[at] ?? ''
  if (wideEnd.test(char) || narrowEnd.test(char) || char === '.') {
    const end = runEnd(text, at, trailing)
    if (end === text.length && !isOver) return null
    if (wideEnd.test(text.slice(at, end))) return { kind: 'end', end }
    const isFree = end === text.length || /\s|[^\0-\x7F]/.test(text[end] ?? '')
    if (!isFree) return none
    return char === '.' ? dotAt(text, at, end, isOver) : { kind: 'end', end }
  }
  if (char === '…' || char === '—') {
    const end = runEnd(text, at, char === '…' ? /…/ : /—/)
    return end === text.length && !isOver ? null : { kind: 'clause', end }
  }
  if (char === '，' || char === '：') return { kind: 'clause', end: at + 1 }
  if (char === '、' || char === ' ') return { kind: 'soft', end: at + 1 }
  if (!asciiMark.test(char)) return none
  if (at + 1 === text.length) return isOver ? { kind: 'clause', end: at + 1 } : null
  return /\s|[^\0-\x7F]/.test(text[at + 1] ?? '') ? { kind: 'clause', end: at + 1 } : none
}

function runEnd(text: string, at: number, chars: RegExp): number {
  let end = at + 1
  while (end < text.length && chars.test(text[end] ?? '')) end++
  return end
}

/** Words that a dot belongs to. Before those of the second kind a sentence may end. */
const neverEnds =
  /(?:^|[\s("'“])(?:mr|mrs|ms|dr|prof|st|vs|no|vol|fig|approx|gen|rep|sen|e\.g|i\.e|cf|[a-z])$/i

/** A dot before a space, a wide character or the end of the text. */
function dotAt(text: string, at: number, end: number, isOver: boolean): Mark | null {
  const before = text.slice(0, at)
  if (/^\.{2,}/.test(text.slice(at, end))) return { kind: 'clause', end }
  const isListNumber = /(?:^|\n)\s*\d{1,3}$/.test(before)
  if (isListNumber || neverEnds.test(before.slice(-12))) return none
  const gap = /^\s*/.exec(text.slice(end))?.[0] ?? ''
  const follows = text[end + gap.length]
  if (gap.includes('\n') || (follows === undefined && isOver)) return { kind: 'end', end }
  if (follows === undefined) return null
  // “approx. five”, “etc. and so on”: a sentence does not begin with a small letter.
  return /\p{Ll}/u.test(follows) ? none : { kind: 'end', end }
}
