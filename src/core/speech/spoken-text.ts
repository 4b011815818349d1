const image = /!?\[([^\]]*)\]\([^)\s]*(?:\s+"[^"]*")?\)/g
/** The end of a link whose beginning is in the sentence before. */
const linkRest = /\]\([^)\s]*(?:\s+"[^"]*")?\)/g
const address = /<?\bhttps?:\/\/[^\s\u2E80-\u{10FFFF}<>"）)】]+>?/giu
/** Keys, hashes, encoded data: nobody wants to hear them. */
const gibberish = /[\w+/=-]{40,}/g
const htmlTag = /<\/?[a-z][^<>]*>/gi
const lineStart = /^\s*(?:#{1,6}\s+|(?:>\s?)+|[-*+]\s+(?:\[[ xX]\]\s+)?)/
const emoji =
  /[0-9#*]\uFE0F?\u20E3|\p{RI}{2}|[\p{Extended_Pictographic}--[©®™0-9#*]](?:\uFE0F|\p{EMod}|\u200D\p{Extended_Pictographic})*/gv
const strongMarks = /\*\*|__|~~|`+/g
/** A single star or underscore that opens or closes emphasis: on one side a space, or nothing, on the other a word. */
const openingMark = /(^|[\s\p{P}\u2E80-\u{10FFFF}])[*_](?=[\p{L}\p{N}])/gu
const closingMark = /([\p{L}\p{N}\p{P}])[*_](?=$|[\s\p{P}\u2E80-\u{10FFFF}])/gu

/** What of a piece of Markdown a voice should say; '' where there is nothing. */
export function spokenText(markdown: string, isLineStart: boolean): string {
  const text = (isLineStart ? markdown.replace(lineStart, '') : markdown)
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(image, '$1')
    .replace(linkRest, '')
    .replace(address, '')
    .replace(gibberish, ' ')
    .replace(htmlTag, '')
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
