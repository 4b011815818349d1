/** A Markdown text cut into blocks that can be parsed each on its own. `starts` are offsets; the first is 0. */
export type Blocks = { text: string; starts: readonly number[] }

const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/
const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/
const mathFences = [
  { open: /^\s*\$\$(?!.*\S.*\$\$)/, close: /\$\$\s*$/ },
  { open: /^\s*\\\[(?!.*\\\])/, close: /\\\]\s*$/ },
]

/**
 * Cuts at blank lines, except within code, formulas and lists (whose items may stand apart). When `before` is of an
 * earlier state of the same growing text, all its blocks but the last are kept without being looked at again.
 */
export function splitBlocks(text: string, before?: Blocks): Blocks {
  const isGrown = before !== undefined && text.length >= before.text.length && text.startsWith(before.text)
  const kept = isGrown ? before.starts : [0]
  if (isGrown && text.length === before.text.length) return before
  const starts = kept.slice(0, -1)
  scan(text, kept.at(-1) ?? 0, starts)
  return { text, starts }
}

/** The texts of the blocks; the last one may still grow. */
export const blockTexts = ({ text, starts }: Blocks): string[] =>
  starts.map((start, index) => text.slice(start, starts[index + 1]))

function scan(text: string, from: number, starts: number[]) {
  let start = from
  let close: ((line: string) => boolean) | null = null
  let isList = false
  let isAfterBlank = false
  let isEmpty = true
  for (let at = from; at < text.length; ) {
    const end = text.indexOf('\n', at)
    const line = text.slice(at, end === -1 ? text.length : end)
    const next = end === -1 ? text.length : end + 1
    if (close) {
      if (close(line)) close = null
    } else if (line.trim() === '') {
      isAfterBlank = true
    } else {
      const continues = isList && (listItem.test(line) || /^(?: {2,}|\t)/.test(line))
      if (isAfterBlank && !isEmpty && !continues) {
        starts.push(start)
        start = at
        isList = false
      }
      if (isAfterBlank || isEmpty) isList ||= listItem.test(line)
      isAfterBlank = false
      close = closerOf(line, isList)
    }
    if (line.trim() !== '') isEmpty = false
    at = next
  }
  starts.push(start)
}

/** What ends the code or formula that this line begins, if it begins one. */
function closerOf(line: string, isList: boolean): ((line: string) => boolean) | null {
  // In a list's item the fence stands behind the marker or indented.
  const content = isList ? line.replace(/^\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)*/, '') : line
  const [, marks = '', info = ''] = fence.exec(content) ?? []
  if (marks !== '' && !(marks.startsWith('`') && info.includes('`'))) {
    return candidate => {
      const text = candidate.trim()
      return text.length >= marks.length && text === (marks[0] ?? '').repeat(text.length)
    }
  }
  const math = mathFences.find(each => each.open.test(content))
  return math ? candidate => math.close.test(candidate) : null
}

/** Code that has begun and not ended: it is shown as it comes, without being parsed or coloured. */
export function openCode(block: string): { language: string; code: string } | null {
  const end = block.indexOf('\n')
  const first = end === -1 ? block : block.slice(0, end)
  const [, marks = '', info = ''] = fence.exec(first) ?? []
  if (marks === '' || (marks.startsWith('`') && info.includes('`'))) return null
  const body = end === -1 ? '' : block.slice(end + 1)
  const isClosed = body.split('\n').some(line => {
    const text = line.trim()
    return text.length >= marks.length && text === (marks[0] ?? '').repeat(text.length)
  })
  if (isClosed) return null
  return { language: info.trim().split(/\s+/)[0] ?? '', code: body }
}
