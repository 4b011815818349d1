import hljs from 'highlight.js/lib/common'

/** Longer code is shown without colours: it would hold up the page. */
const maxLength = 60_000

export function highlight(code: string, language: string): string | null {
  const name = language.toLowerCase()
  if (code.length > maxLength || !hljs.getLanguage(name)) return null
  return hljs.highlight(code, { language: name, ignoreIllegals: true }).value
}
