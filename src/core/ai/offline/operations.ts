import { keywords, type Language, plain, sentences, shorten, summary } from './text.ts'

/** What code can do with a given text, without a model. */
export type Operation = 'summary' | 'keywords' | 'title' | 'outline' | 'minutes'

/** Longer texts are cut: the work is done on the event loop. */
export const maxCharacters = 20_000

const chineseNames: [RegExp, Operation][] = [
  [/总结|概括|摘要|归纳|概述/, 'summary'],
  [/关键[词字]|主题词/, 'keywords'],
  [/标题|题目/, 'title'],
  [/大纲|提纲|纲要/, 'outline'],
  [/纪要/, 'minutes'],
]
const englishNames: [RegExp, Operation][] = [
  [/summar|tl;?dr|abstract/i, 'summary'],
  [/key ?(?:words?|phrases?)/i, 'keywords'],
  [/title|headline/i, 'title'],
  [/outline/i, 'outline'],
  [/minutes/i, 'minutes'],
]
const chineseCommand =
  /^(?:请|麻烦|能不能|可以)?你?(?:帮我|帮忙)?(?:给|为|把|将|对|从)?(?:下面|以下|上面|上文|下文)?的?(?:这段|这篇|这个)?(?:文字|文章|文本|内容|材料|会议记录|会议|记录|话)?[里中]?的?(?:进行|做|写|生成|列出?|拟|起|取|提取|提炼)?(?:一?[个份段篇下])?(?:总结|概括|摘要|归纳|概述|关键[词字]|主题词|标题|题目|大纲|提纲|纲要|会议纪要|纪要)/
const englishCommand =
  /^(?:please |can you |could you )*(?:(?:give|make|write|create|suggest|extract|find|list|draft|get)(?: me)? )?(?:an? |the |some |short )*(?:summari[sz]e|summary|tl;?dr|abstract|key ?words?|key ?phrases?|titles?|headline|outline|(?:meeting )?minutes)\b/i

const maxCommandLength = 60

function operationOf(head: string): Operation | null {
  const line = head.trim()
  if (line.length > maxCommandLength) return null
  const names = chineseCommand.test(line) ? chineseNames : englishCommand.test(line) ? englishNames : []
  let found: { at: number; operation: Operation } | null = null
  for (const [pattern, operation] of names) {
    const at = line.search(pattern)
    if (at >= 0 && (!found || at < found.at)) found = { at, operation }
  }
  return found?.operation ?? null
}

/**
 * Reads "operation: text", an operation on the first or the last line, or an operation alone, for which the text is
 * the one given before. null: the message asks for something else.
 */
export function readCommand(message: string, before: string): { operation: Operation; text: string } | null {
  const trimmed = message.trim()
  const split = /[:：\n]/.exec(trimmed)
  const head = split ? trimmed.slice(0, split.index) : trimmed
  const first = operationOf(head)
  if (first) {
    const text = split ? trimmed.slice(split.index + 1).trim() : ''
    return { operation: first, text: text || before.trim() }
  }
  const lastLine = trimmed.lastIndexOf('\n')
  if (lastLine < 0) return null
  const last = operationOf(trimmed.slice(lastLine + 1).replace(/[:：]$/, ''))
  return last && { operation: last, text: trimmed.slice(0, lastLine).trim() }
}

/** The result as Markdown. */
export function perform(operation: Operation, given: string, language: Language): string {
  const text = given.slice(0, maxCharacters)
  switch (operation) {
    case 'summary':
      return bullets(summary(text, summaryLength(text)))
    case 'keywords':
      return keywords(plain(text), 10).join(language === 'zh' ? '、' : ', ')
    case 'title':
      return titleOf(text)
    case 'outline':
      return outline(text)
    case 'minutes':
      return minutes(text, language)
  }
}

const summaryLength = (text: string) => Math.min(6, Math.max(1, Math.round(sentences(text).length * 0.25)))

const bullets = (items: readonly string[]) => items.map(item => `- ${item}`).join('\n')

/** The first heading, or else the beginning of the sentence that says most. */
export function titleOf(text: string): string {
  const heading = /^\s{0,3}#{1,6}\s+(.+)$/m.exec(text)?.[1]
  return shorten(plain(heading ?? summary(text, 1)[0] ?? text))
}

/** The headings of the text where it has some; otherwise the gist of each paragraph. */
function outline(text: string): string {
  const headings = [...text.matchAll(/^\s{0,3}(#{1,6})\s+(.+)$/gm)]
  if (headings.length >= 2) {
    const top = Math.min(...headings.map(([, marks = '']) => marks.length))
    return headings
      .map(([, marks = '', heading = '']) => `${'  '.repeat(marks.length - top)}- ${plain(heading).trim()}`)
      .join('\n')
  }
  const paragraphs = Map.groupBy(sentences(text), sentence => sentence.paragraph)
  return [...paragraphs.values()]
    .slice(0, 30)
    .map((paragraph, index) => {
      const own = paragraph.map(sentence => sentence.text).join('\n')
      const [opening, ...rest] = paragraph
      const points = rest.length > 0 ? summary(own, 3).filter(point => point !== opening?.text) : []
      return [
        `${index + 1}. ${shorten(opening?.text ?? '')}`,
        ...points.map(point => `   - ${shorten(point)}`),
      ].join('\n')
    })
    .join('\n')
}

const actionPattern =
  /需要|必须|由.{1,12}负责|务必|请于|截止|之前完成|待办|下周|本周|明天|\b(?:must|shall|will|should|needs? to|deadline|due|action item|todo|by (?:monday|tuesday|wednesday|thursday|friday|tomorrow|next))\b/i

/** A template filled from the text: title, main points, what is to be done, keywords. */
function minutes(text: string, language: Language): string {
  const labels =
    language === 'zh'
      ? { points: '要点', actions: '待办', none: '原文中没有找到。', words: '关键词', joint: '、' }
      : {
          points: 'Main points',
          actions: 'To do',
          none: 'None found in the text.',
          words: 'Keywords',
          joint: ', ',
        }
  const actions = sentences(text)
    .map(sentence => sentence.text)
    .filter(sentence => actionPattern.test(sentence))
    .slice(0, 10)
  return [
    `## ${titleOf(text)}`,
    `### ${labels.points}`,
    bullets(summary(text, summaryLength(text))),
    `### ${labels.actions}`,
    actions.length > 0 ? bullets(actions) : labels.none,
    `### ${labels.words}`,
    keywords(plain(text), 6).join(labels.joint),
  ].join('\n\n')
}
