/*
 * What a code looks like, so that the page can help while one types; the server decides. Crockford's base 32 in 16
 * characters, the last one a check character (Damm over GF(32), as in `src/modules/cards/codes.ts`).
 */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const length = 16

export type CodeState =
  | { kind: 'empty' }
  | { kind: 'short' | 'long'; count: number }
  | { kind: 'character'; letter: string }
  | { kind: 'check' }
  | { kind: 'fits' }

/** What was typed, as the card shows it: upper case, look-alike letters replaced, separators gone. */
const lettersOf = (text: string): string =>
  text
    .normalize('NFKC')
    .toUpperCase()
    .replaceAll(/[\s\p{Pd}_.·・]/gu, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')

/** In groups of four, as it is printed. */
export const grouped = (text: string): string =>
  lettersOf(text)
    .match(/.{1,4}/gu)
    ?.join('-') ?? ''

export function stateOf(text: string): CodeState {
  const letters = [...lettersOf(text)]
  if (letters.length === 0) return { kind: 'empty' }
  const strange = letters.find(letter => !alphabet.includes(letter))
  if (strange !== undefined) return { kind: 'character', letter: strange }
  if (letters.length < length) return { kind: 'short', count: length - letters.length }
  if (letters.length > length) return { kind: 'long', count: letters.length - length }
  let interim = 0
  for (const letter of letters) {
    const doubled = interim & 16 ? (interim << 1) ^ 0b100101 : interim << 1
    interim = doubled ^ alphabet.indexOf(letter)
  }
  return { kind: interim === 0 ? 'fits' : 'check' }
}

/** The code in what a scanner saw: the address of the redeem page, or the code alone. Null: something else. */
export function codeInScan(text: string): string | null {
  const given = URL.canParse(text) ? new URL(text).searchParams.get('code') : text
  return given !== null && stateOf(given).kind === 'fits' ? grouped(given) : null
}
