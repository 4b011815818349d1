import { Marked, type TokenizerAndRendererExtension, type Tokens } from 'marked'

/** What makes code and formulas beautiful, once it is loaded. Each gives HTML of its own making, or null. */
export type Engines = {
  highlight: ((code: string, language: string) => string | null) | null
  math: ((tex: string, isDisplay: boolean) => string | null) | null
}
export type CodeLabels = { copy: string; code: string }

/** `html` is not to be trusted before it is sanitised; `slots` are ours and fill its `data-slot` places afterwards. */
export type ParsedMarkdown = { html: string; slots: string[]; wants: { highlight: boolean; math: boolean } }

type Parse = ParsedMarkdown & { engines: Engines; labels: CodeLabels }

// Parsing is synchronous: while `current` is set, the renderers below work for it.
let current: Parse | null = null

/** One block of Markdown, as models write it: GFM, formulas in $…$ \(…\) $$…$$ \[…\], emphasis next to CJK. */
export function parseMarkdown(text: string, engines: Engines, labels: CodeLabels): ParsedMarkdown {
  const parse: Parse = { html: '', slots: [], wants: { highlight: false, math: false }, engines, labels }
  current = parse
  try {
    parse.html = marked.parse(text, { async: false })
  } finally {
    current = null
  }
  return { html: parse.html, slots: parse.slots, wants: parse.wants }
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

/** Leaves a place that `fillSlots` fills after sanitising. */
function slot(tag: 'div' | 'span', html: string): string {
  if (!current) return ''
  current.slots.push(html)
  return `<${tag} data-slot="${current.slots.length - 1}"></${tag}>`
}

export const fillSlots = (html: string, slots: readonly string[]): string =>
  html.replace(/<(div|span) data-slot="(\d{1,6})"><\/\1>/g, (_, _tag, index) => slots[Number(index)] ?? '')

/** A code block with its language and a copy button; the button works by delegation (`data-copy`). */
export function codeHtml(code: string, language: string, inner: string, labels: CodeLabels): string {
  const name = escapeHtml(language || labels.code)
  const copy = escapeHtml(labels.copy)
  return (
    `<figure class="md-code"><figcaption><span>${name}</span>` +
    `<button type="button" data-copy aria-label="${copy}">${copy}</button></figcaption>` +
    `<pre tabindex="0"><code>${inner || escapeHtml(code)}</code></pre></figure>`
  )
}

function mathHtml(tex: string, isDisplay: boolean): string {
  if (current) current.wants.math = true
  const made = current?.engines.math?.(tex, isDisplay) ?? null
  const inner = made ?? `<code>${escapeHtml(tex)}</code>`
  return isDisplay ? slot('div', `<div class="md-math">${inner}</div>`) : slot('span', inner)
}

const safeTags = /^<\/?(?:br|sub|sup|kbd|u|mark|details|summary|b|i|em|strong|s|del|p|center|small)\s*\/?>$/i

const safeLink = (href: string): boolean =>
  /^(?:https?:|mailto:|tel:)/i.test(href) || /^[#/](?!\/)/.test(href)
const safeImage = (href: string): boolean =>
  /^data:image\/(?:png|jpe?g|gif|webp|avif);base64,/i.test(href) || /^\/(?!\/)/.test(href)

const linkTo = (href: string, inner: string): string =>
  href.startsWith('#') || href.startsWith('/')
    ? `<a href="${escapeHtml(href)}">${inner}</a>`
    : `<a href="${escapeHtml(href)}" target="_blank" rel="noopener noreferrer nofollow">${inner}</a>`

const math = (name: string, level: 'block' | 'inline', rules: [RegExp, boolean][]) =>
  ({
    name,
    level,
    start: (source: string) => {
      // A block begins a line; within one it would cut the paragraph in two.
      const at = level === 'inline' ? source.search(/\$|\\[([]/) : source.search(/(?<=\n) {0,3}(?:\$\$|\\\[)/)
      return at === -1 ? undefined : at
    },
    tokenizer(source: string) {
      for (const [rule, isDisplay] of rules) {
        const [raw, tex] = rule.exec(source) ?? []
        if (raw !== undefined && tex !== undefined) return { type: name, raw, tex: tex.trim(), isDisplay }
      }
      return undefined
    },
    renderer: (token: Tokens.Generic) => mathHtml(String(token.tex), token.isDisplay === true),
  }) satisfies TokenizerAndRendererExtension

const marked = new Marked({
  gfm: true,
  breaks: true,
  extensions: [
    math('mathBlock', 'block', [
      [/^ {0,3}\$\$([\s\S]+?)\$\$[ \t]*(?:\n|$)/, true],
      [/^ {0,3}\\\[([\s\S]+?)\\\][ \t]*(?:\n|$)/, true],
    ]),
    math('mathInline', 'inline', [
      [/^\$\$([^\n]+?)\$\$/, true],
      [/^\\\[([\s\S]+?)\\\]/, true],
      [/^\\\(([\s\S]+?)\\\)/, false],
      // “$5 to $10” is money: no space inside the marks, and no digit behind them.
      [/^\$(?![\s$])((?:\\.|[^$\\\n])+?)(?<!\s)\$(?!\d)/, false],
    ]),
    {
      // CommonMark does not see “**注意：**请看” as bold, because of the punctuation beside the marks.
      name: 'strongNextToCjk',
      level: 'inline',
      start: source => {
        const at = source.indexOf('**')
        return at === -1 ? undefined : at
      },
      tokenizer(source) {
        const [raw, inner] = /^\*\*(?![\s*])((?:[^*\n\\]|\\.)+?)(?<!\s)\*\*(?!\*)/.exec(source) ?? []
        if (raw === undefined || inner === undefined) return undefined
        return { type: 'strongNextToCjk', raw, tokens: this.lexer.inlineTokens(inner) }
      },
      renderer(token) {
        return `<strong>${this.parser.parseInline(token.tokens ?? [])}</strong>`
      },
    },
  ],
  tokenizer: {
    url(source) {
      // A bare address ends where Chinese text or punctuation begins.
      const [raw] = /^https?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]+/i.exec(source) ?? []
      if (!raw) return undefined
      const href = raw.replace(/[.,;:!?'")\]]+$/, '')
      return { type: 'link', raw: href, text: href, href, tokens: [{ type: 'text', raw: href, text: href }] }
    },
  },
  renderer: {
    code({ text, lang }) {
      if (!current) return ''
      const language = (lang ?? '').trim().split(/\s+/)[0] ?? ''
      if (language) current.wants.highlight = true
      const inner = language ? (current.engines.highlight?.(text, language) ?? '') : ''
      return slot('div', codeHtml(text, language, inner, current.labels))
    },
    html({ text }) {
      return text.replace(/<[^>]*>|[^<]+|</g, part => (safeTags.test(part) ? part : escapeHtml(part)))
    },
    link({ href, tokens }) {
      const inner = this.parser.parseInline(tokens)
      return safeLink(href) ? linkTo(href, inner) : inner
    },
    image({ href, text }) {
      if (safeImage(href)) return `<img src="${escapeHtml(href)}" alt="${escapeHtml(text)}" loading="lazy">`
      const name = escapeHtml(text || href)
      return safeLink(href) ? linkTo(href, name) : name
    },
    table(token) {
      const cell = (tag: string, { tokens, align }: Tokens.TableCell) =>
        `<${tag}${align ? ` align="${align}"` : ''}>${this.parser.parseInline(tokens)}</${tag}>`
      const head = token.header.map(each => cell('th', each)).join('')
      const body = token.rows.map(row => `<tr>${row.map(each => cell('td', each)).join('')}</tr>`).join('')
      return `<div class="md-table" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
    },
  },
})
