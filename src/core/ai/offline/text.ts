/** The language that a text is answered in. */
export type Language = 'zh' | 'en'

const han = /\p{Script=Han}/gu
const latinWord = /[a-z]+/gi

/** Chinese when its characters make up more of the text than Latin words do. */
export function languageOf(text: string): Language {
  const chinese = text.match(han)?.length ?? 0
  return chinese > 0 && chinese >= (text.match(latinWord)?.length ?? 0) ? 'zh' : 'en'
}

const segmenters = {
  word: {
    zh: new Intl.Segmenter('zh', { granularity: 'word' }),
    en: new Intl.Segmenter('en', { granularity: 'word' }),
  },
  sentence: {
    zh: new Intl.Segmenter('zh', { granularity: 'sentence' }),
    en: new Intl.Segmenter('en', { granularity: 'sentence' }),
  },
}

const stopWords = new Set(
  `the and for that this with are was were has have had not but you your our they their them she her his him its from
  into out about over under will would can could should shall may might must than then there here what which who whom
  whose when where why how all any each other some such only own same too very just also been being because while
  during before after above below between both few more most once again does did doing off down nor these those
  because through until against one two new said says say get got make made many much like well still even
  我们 你们 他们 她们 它们 自己 这个 那个 这些 那些 这样 那样 这里 那里 什么 怎么 为什么 因为 所以 但是 而且 然后 如果 虽然
  可以 可能 应该 需要 已经 正在 还是 或者 以及 并且 不是 就是 都是 没有 一个 一些 一种 一样 这种 那种 其中 由于 对于 关于
  通过 进行 其他 非常 比较 现在 时候 之后 之前 以后 以前 目前 同时 此外 另外 因此 于是 不过 只是 只有 还有 也是 也有 非 与
  大家 表示 认为 成为 作为 使用 方面 问题 情况`.split(/\s+/),
)

const particles = new Set('的了和与及在是有也都就而或被把对从到于等这那其个一不为以上下中我你他她它们')

/**
 * The words that carry meaning, in order; whatever else stands between them becomes '', so that neighbours are known.
 * Single Chinese characters count only with `singles`: many are the end of a word that the segmenter took apart.
 */
function meaningfulWords(text: string, language: Language, singles = false): string[] {
  const words: string[] = []
  for (const { segment, isWordLike } of segmenters.word[language].segment(text)) {
    const word = segment.toLowerCase()
    const isChinese = word.charCodeAt(0) >= 0x3400
    const isLongEnough = isChinese ? word.length >= 2 || (singles && !particles.has(word)) : word.length >= 3
    const carries = isWordLike && isLongEnough && !stopWords.has(word) && !/^[\d.,%]+$/.test(word)
    if (carries) words.push(word)
    else if (!/^\s+$/.test(segment)) words.push('')
  }
  return words
}

const countOf = (items: Iterable<string>): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const item of items) if (item !== '') counts.set(item, (counts.get(item) ?? 0) + 1)
  return counts
}

const longestPhrase = 3

/** The words and phrases that come up most, the most telling first. A phrase is up to three neighbouring words. */
export function keywords(text: string, count: number): string[] {
  const language = languageOf(text)
  const words = meaningfulWords(text, language, true)
  const scores = countOf(words.filter(word => word.length > 1))
  const glue = language === 'zh' ? '' : ' '
  const seen: Map<string, number>[] = []
  for (let length = 2; length <= longestPhrase; length++) {
    const phrases = words.map((_, i) => {
      const phrase = words.slice(i, i + length)
      return phrase.length === length && phrase.every(word => word !== '') ? phrase.join('\n') : ''
    })
    seen.push(countOf(phrases))
  }
  // Longest first: the parts of a phrase count for what they are outside it.
  for (const phrases of seen.reverse())
    for (const [key, times] of phrases) {
      const parts = key.split('\n')
      const left = times + (scores.get(`-${key}`) ?? 0)
      scores.delete(`-${key}`)
      if (left < 2 || new Set(parts).size < parts.length) continue
      scores.set(parts.join(glue), left * (1 + 0.6 * (parts.length - 1)))
      for (let size = 1; size < parts.length; size++)
        for (let at = 0; at + size <= parts.length; at++) {
          const part = parts.slice(at, at + size).join('\n')
          const name = size === 1 ? part : `-${part}`
          scores.set(name, (scores.get(name) ?? 0) - left)
        }
    }
  return [...scores]
    .filter(([, score]) => score > 0)
    .sort(([a, x], [b, y]) => y - x || b.length - a.length)
    .slice(0, count)
    .map(([word]) => word)
}

/** Markdown and addresses taken out, so that what is left reads as prose. */
export const plain = (text: string): string =>
  text
    .replace(/```[\s\S]*?(?:```|$)/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/https?:\/\/\S+/g, ' ')
    .replace(/^\s{0,3}(?:#{1,6}|>|[-*+]|\d{1,3}[.)、])\s*/gm, '')
    .replace(/[*_`~]{1,3}/g, '')

export type Sentence = { text: string; paragraph: number; opensParagraph: boolean }

const marked = /^\s*(?:#{1,6}\s|>|[-*+]\s|\d{1,3}[.)、])/
const wrapsAt = 40

/** Lines that an editor wrapped in mid-sentence are one again; headings go, if anything is left without them. */
function paragraphs(text: string): string[] {
  const lines = text.split('\n')
  const prose = lines.filter(line => !/^\s{0,3}#{1,6}\s/.test(line))
  const kept = prose.some(line => line.trim() !== '') ? prose : lines
  const joined: string[] = []
  let isOpen = false
  for (const line of kept) {
    if (isOpen && line.trim() !== '' && !marked.test(line)) {
      const last = joined.pop() ?? ''
      joined.push(last + (languageOf(last) === 'zh' ? '' : ' ') + line.trim())
    } else joined.push(line.trimEnd())
    isOpen = line.trimEnd().length >= wrapsAt && !/[。！？；：.!?;:]["'”’）)]*\s*$/u.test(line)
  }
  return plain(joined.join('\n'))
    .split('\n')
    .filter(paragraph => paragraph.trim() !== '')
}

/** The sentences of a text, and where in its paragraphs they stand. */
export function sentences(text: string): Sentence[] {
  const segmenter = segmenters.sentence[languageOf(text)]
  return paragraphs(text).flatMap((paragraph, index) =>
    [...segmenter.segment(paragraph)]
      .map(({ segment }) => segment.trim())
      .filter(segment => segment !== '')
      .map((segment, position) => ({ text: segment, paragraph: index, opensParagraph: position === 0 })),
  )
}

/**
 * The sentences that say most of what the text says, in their order: those with many of its frequent words, a
 * little more for those that open it or a paragraph, and none that repeats one already taken.
 */
export function summary(text: string, count: number): string[] {
  const language = languageOf(text)
  const all = sentences(text)
    .slice(0, 1500)
    .map(sentence => ({ sentence, found: meaningfulWords(sentence.text, language) }))
  const weights = countOf(all.flatMap(({ found }) => found))
  const scored = all
    .map(({ sentence, found }, index) => {
      const words = new Set(found.filter(word => word !== ''))
      let score = 0
      for (const word of words) score += weights.get(word) ?? 0
      const place = index === 0 ? 1.4 : sentence.opensParagraph ? 1.15 : 1
      return { sentence, index, words, score: (score * place) / Math.sqrt(words.size + 3) }
    })
    .filter(({ words }) => words.size > 0)
    .sort((a, b) => b.score - a.score)
  const chosen: typeof scored = []
  for (const candidate of scored) {
    if (chosen.length >= count) break
    if (chosen.every(({ words }) => overlap(words, candidate.words) < 0.6)) chosen.push(candidate)
  }
  return chosen.sort((a, b) => a.index - b.index).map(({ sentence }) => sentence.text)
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0
  for (const word of a) if (b.has(word)) shared++
  return shared / Math.min(a.size, b.size)
}

/** The beginning of a sentence, cut where it breathes: at most 24 Chinese characters or 9 words. */
export function shorten(sentence: string): string {
  const text = sentence.replace(/\s+/g, ' ').trim()
  if (languageOf(text) === 'zh') {
    const [clause = ''] = text.split(/[，。！？；：!?;]/u).filter(part => part.trim() !== '')
    return [...clause.trim()].slice(0, 24).join('')
  }
  const words = text.split(' ')
  const clause = words.slice(0, 9).join(' ')
  return [...(words.length > 9 ? `${clause}…` : clause.replace(/[.!;:,]+$/, ''))].slice(0, 90).join('')
}
