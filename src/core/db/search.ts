import { type RawBuilder, sql } from 'kysely'

/*
 * Full-text search that works for Chinese under any locale of the database. PostgreSQL's own parsers need a
 * dictionary for languages without spaces, and pg_trgm finds nothing for words of two characters, so texts are cut
 * here: words as they are, and runs of Chinese, Japanese, Korean or Thai letters into overlapping pairs
 * (机器学习 → 机器, 器学, 学习). The last letter of a run is also kept alone: thereby every letter begins some term,
 * and a query of one letter is a search by prefix.
 */

/**
 * One searchable piece of a text, and where it stands there, in UTF-16 units. A `letter` is the last one of a run
 * of pairs, or, when `alone`, the only one.
 */
type Term = { term: string; start: number; end: number; kind: 'word' | 'pair' | 'letter'; alone: boolean }

/** The parts of a text. Hits in `title` rank above those in `body`. */
export type Searchable = { title?: string; body?: string }

const letters = /[\p{L}\p{N}\p{M}]+/gu
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu

/** What is indexed of one text; the rest of a longer one is not found by search. */
const maxIndexedLength = 200_000
const maxTermLength = 64
const maxQueryTerms = 32
/** Limits of PostgreSQL's tsvector: the highest position, and positions per term. */
const maxPosition = 16_383
const maxPositionsPerTerm = 255
/** A tsvector holds less than 1 MiB of terms and positions; the rest of a text of ever new words is not found. */
const maxVectorBytes = 1_000_000

const fold = (text: string): string => text.normalize('NFKC').toLowerCase()

/** No word contains a colon, so no query of a user can name a scope. */
const scopeTerm = (scope: string): string => `:${scope}`

const quote = (term: string): string => `'${term.replace(/['\\]/g, '$&$&')}'`

function* termsOf(text: string): Generator<Term> {
  for (const { 0: run, index } of text.matchAll(letters)) {
    let wordStart = 0
    for (const { 0: part, index: at } of run.matchAll(unspaced)) {
      if (at > wordStart) yield word(run.slice(wordStart, at), index + wordStart)
      yield* pairs(part, index + at)
      wordStart = at + part.length
    }
    if (wordStart < run.length) yield word(run.slice(wordStart), index + wordStart)
  }
}

const word = (text: string, start: number): Term => ({
  term: fold(text).slice(0, maxTermLength),
  start,
  end: start + text.length,
  kind: 'word',
  alone: true,
})

function* pairs(run: string, start: number): Generator<Term> {
  let at = start
  let previous: Term | undefined
  let alone = true
  for (const letter of run) {
    const here: Term = {
      term: fold(letter),
      start: at,
      end: at + letter.length,
      kind: 'letter',
      alone: false,
    }
    if (previous) {
      alone = false
      yield { ...here, term: previous.term + here.term, start: previous.start, kind: 'pair' }
    }
    previous = here
    at = here.end
  }
  if (previous) yield { ...previous, alone }
}

/**
 * The value of a `tsvector` column. `scope` (an owner's id, say) becomes a term of its own, so that the GIN index
 * alone answers a search among one owner's rows.
 */
export function searchVector(scope: string, { title = '', body = '' }: Searchable): RawBuilder<string> {
  const positions = new Map<string, string[]>()
  let position = 0
  let size = 0
  const index = (text: string, weight: 'A' | '') => {
    for (const { term } of termsOf(text.slice(0, maxIndexedLength))) {
      position = Math.min(position + 1, maxPosition)
      const known = positions.get(term)
      // Two bytes a position, and before the first a count and perhaps one byte to align it.
      size += known ? 2 : Buffer.byteLength(term) + 5
      if (size > maxVectorBytes) return
      if (!known) positions.set(term, [`${position}${weight}`])
      else if (known.length < maxPositionsPerTerm) known.push(`${position}${weight}`)
    }
  }
  index(title, 'A')
  index(body, '')
  const terms = [...positions].map(([term, at]) => `${quote(term)}:${at.join(',')}`)
  return sql<string>`${[quote(scopeTerm(scope)), ...terms].join(' ')}::tsvector`
}

/** The words and pairs of letters of a text, as search sees them: for comparing short texts. */
export function searchTerms(text: string): Set<string> {
  const terms = new Set<string>()
  for (const { term, kind, alone } of termsOf(text)) if (kind !== 'letter' || alone) terms.add(term)
  return terms
}

/** What a user looks for. */
export type SearchQuery = {
  /** Matches where all terms occur; words and single letters match by their beginning. */
  tsquery: RawBuilder<string>
  /**
   * A piece of about `length` characters around the first hit, each hit between `\u0001` and `\u0002`; null where
   * there is none.
   */
  highlight(text: string, length?: number): string | null
}

/** Reads what a user typed; null when there is no letter or digit in it, and so nothing to find. */
export function searchQuery(scope: string, input: string): SearchQuery | null {
  const exact = new Set<string>()
  const prefixes = new Set<string>()
  for (const { term, kind, alone } of termsOf(input.slice(0, 1000))) {
    if (exact.size + prefixes.size >= maxQueryTerms) break
    if (kind === 'pair') exact.add(term)
    else if (alone) prefixes.add(term)
  }
  if (exact.size + prefixes.size === 0) return null
  const terms = [
    quote(scopeTerm(scope)),
    ...[...exact].map(quote),
    ...[...prefixes].map(term => `${quote(term)}:*`),
  ]
  return {
    tsquery: sql<string>`${terms.join(' & ')}::tsquery`,
    highlight: (text, length = 160) => excerpt(text, findHits(text, exact, [...prefixes]), length),
  }
}

type Span = { start: number; end: number }

function findHits(text: string, exact: ReadonlySet<string>, prefixes: readonly string[]): Span[] {
  const spans: Span[] = []
  for (const { term, start, end, kind } of termsOf(text.slice(0, maxIndexedLength))) {
    const isHit = exact.has(term) || prefixes.some(prefix => term.startsWith(prefix))
    if (!isHit) continue
    const whole = kind !== 'pair' || exact.has(term)
    const hitEnd = whole ? end : start + String.fromCodePoint(text.codePointAt(start) ?? 0).length
    const last = spans.at(-1)
    if (last && start <= last.end) last.end = Math.max(last.end, hitEnd)
    else spans.push({ start, end: hitEnd })
  }
  return spans
}

function excerpt(text: string, hits: readonly Span[], length: number): string | null {
  const first = hits[0]
  if (!first) return null
  const from = wholeCharacter(text, Math.max(0, Math.min(first.start - length / 4, text.length - length)))
  const to = wholeCharacter(text, Math.max(from + length, first.end))
  let marked = from > 0 ? '…' : ''
  let at = from
  for (const { start, end } of hits) {
    if (end > to) break
    marked += `${clean(text.slice(at, start))}\u0001${clean(text.slice(start, end))}\u0002`
    at = end
  }
  return marked + clean(text.slice(at, to)) + (to < text.length ? '…' : '')
}

/** The nearest place at or before `at` that does not cut a surrogate pair. */
function wholeCharacter(text: string, at: number): number {
  const place = Math.min(Math.floor(at), text.length)
  const code = text.charCodeAt(place)
  return place > 0 && code >= 0xdc00 && code <= 0xdfff ? place - 1 : place
}

/** A text that holds the marks itself must not forge hits. */
const clean = (text: string): string => text.replaceAll('\u0001', ' ').replaceAll('\u0002', ' ')
