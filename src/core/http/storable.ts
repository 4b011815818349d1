import { type AppError, invalidInput } from '#core/errors.ts'

/** JSON that may hold what PostgreSQL does not take: looked for in the text first, since almost none does. */
export const suspiciousEscape = /\\u(?:0000|d[89a-f])/i

/** False for text with U+0000, which no PostgreSQL text can hold, or half a surrogate pair, which its jsonb refuses. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (value === null || typeof value !== 'object') return true
  return Object.entries(value).every(([key, child]) => isStorable(key) && isStorable(child))
}

/** The refusal of such text. */
export function unstorable(): AppError {
  const detail = {
    en: 'Text may hold neither the character U+0000 nor half a surrogate pair.',
    'zh-CN': '文本中不能包含字符 U+0000 或不成对的代理项。',
  }
  return invalidInput({}, { issues: [{ pointer: '', detail }] })
}
