/** Where a link leads: parentheses in it come in pairs. */
const destination = String.raw`\((?:[^()\s]|\([^()\s]*\))*(?:\s+"[^"]*")?\)`
const image = new RegExp(String.raw`!?\[([^\]]*)\]${destination}`, 'g')
/** The end of a link whose beginning is in the sentence before. */
const linkRest = new RegExp(String.raw`\]${destination}`, 'g')
const footnote = /\[\^[^\]\s]{1,40}\]:?/g
/** Without the punctuation after it. */
const address =
  /<?\b(?:(?:https?|ftp|wss?):\/\/|www\.)[^\s\u2E80-\u{10FFFF}<>"“”‘’…）)】]*[^\s\u2E80-\u{10FFFF}<>"“”‘’…）)】.,!?;:'*`|]>?/giu
/** Keys, hashes, encoded data: nobody wants to hear them. */
const gibberish = /[\w+/=-]{40,}/g
/** Its attributes have values: “<b and c>” are words. */
const htmlTag = /<\/?[a-z][a-z0-9-]*(?:\s+[\w:-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=]+))*\s*\/?>/gi
const entities: Record<string, string> = { nbsp: ' ', amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const entity = /&(nbsp|amp|lt|gt|quot|#39);/g
/** Headings, quotations and lists, one in another. */
const lineStart = /^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+(?:\[[ xX]\]\s+)?)+/
/** A line across, under a heading, or between the rows of a table. */
const lineOfMarks = /^[\s>|:*_=~+-]*$/
const emoji =
  /[0-9#*]\uFE0F?\u20E3|\p{RI}+|[\p{Extended_Pictographic}--[©®™0-9#*]](?:\uFE0F|\p{EMod}|[\u{E0020}-\u{E007F}]|\u200D\p{Extended_Pictographic})*/gv
const strongMarks = /\*\*|__|~~|`+/g
/** A single star or underscore that opens or closes emphasis: on one side a space, or nothing, on the other a word. */
const openingMark = /(^|[\s\p{P}\u2E80-\u{10FFFF}])[*_](?=[\p{L}\p{N}])/gu
const closingMark = /([\p{L}\p{N}\p{P}])[*_](?=$|[\s\p{P}\u2E80-\u{10FFFF}])/gu

/** What of a piece of Markdown a voice should say; '' where there is nothing. */
export function spokenText(markdown: string, isLineStart: boolean): string {
  const text = markdown
    .split('\n')
    .map((line, i) =>
      lineOfMarks.test(line) ? '' : isLineStart || i > 0 ? line.replace(lineStart, '') : line,
    )
    .join('\n')
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(image, '$1')
    .replace(linkRest, '')
    .replace(footnote, '')
    .replace(address, '')
    .replace(gibberish, ' ')
    .replace(htmlTag, '')
    .replace(entity, (_, name: string) => entities[name] ?? '')
    .replace(emoji, '')
    .replace(strongMarks, '')
    .replace(openingMark, '$1')
    .replace(closingMark, '$1')
    .replace(/-{3,}/g, ' ')
    .replace(/\uFE0F/g, '')
    .replace(/[\s|]+/g, ' ')
    .trim()
  return /[\p{L}\p{N}]/u.test(text) ? text : ''
}
