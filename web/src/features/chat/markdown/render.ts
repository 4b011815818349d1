import DOMPurify from 'dompurify'
import { loadedEngines, wantEngine } from './engines.ts'
import { type CodeLabels, fillSlots, parseMarkdown } from './html.ts'

const allowed = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'strong', 'em', 'del', 'b', 'i', 'u', 's'],
    ...[
      'code',
      'pre',
      'blockquote',
      'ul',
      'ol',
      'li',
      'a',
      'img',
      'input',
      'sub',
      'sup',
      'kbd',
      'mark',
      'small',
    ],
    ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'details', 'summary', 'div', 'span'],
  ],
  ALLOWED_ATTR: [
    ...['href', 'title', 'alt', 'src', 'loading', 'align', 'start', 'type', 'checked', 'disabled'],
    ...['target', 'rel', 'tabindex', 'data-slot', 'class'],
  ],
  ALLOW_DATA_ATTR: false,
}

/** Finished blocks, so that scrolling back costs nothing. The oldest go first. */
const cache = new Map<string, string>()
const maxCached = 1500

/** Safe HTML of one block. `isFinal`: it will not grow any more, and may be kept. */
export function blockHtml(text: string, labels: CodeLabels, version: number, isFinal: boolean): string {
  const key = `${version} ${labels.copy} ${text}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const { html, slots, wants } = parseMarkdown(text, loadedEngines(), labels)
  if (wants.highlight) wantEngine('highlight')
  if (wants.math) wantEngine('math')
  const safe = fillSlots(DOMPurify.sanitize(html, allowed), slots)
  if (isFinal) {
    cache.set(key, safe)
    if (cache.size > maxCached) cache.delete(cache.keys().next().value ?? '')
  }
  return safe
}
