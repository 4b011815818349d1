/** Letters and digits only, in small letters: devices write their wake words in many ways. */
const plain = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

/**
 * Whether what a device “detected” is only its call, and no question. Devices put their wake word where pages and
 * test tools put what was typed.
 */
export function isWakeWord(text: string, words: readonly string[]): boolean {
  const said = plain(text)
  return said === '' || words.some(word => plain(word) === said)
}
