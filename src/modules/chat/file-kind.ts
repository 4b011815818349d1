/** What a file is, by its bytes alone. Text comes with the text itself. */
export type FileKind =
  | { kind: 'image'; media_type: string }
  | { kind: 'pdf'; media_type: 'application/pdf' }
  | { kind: 'text'; media_type: 'text/plain' | 'text/markdown'; text: string }

const images = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif'])

/** Null for everything that Chat does not take. The name only tells Markdown from other text. */
export async function fileKind(bytes: Buffer, name: string): Promise<FileKind | null> {
  const { fileTypeFromBuffer } = await import('file-type')
  const type = await fileTypeFromBuffer(bytes)
  if (type && images.has(type.mime)) return { kind: 'image', media_type: type.mime }
  if (type?.mime === 'application/pdf') return { kind: 'pdf', media_type: 'application/pdf' }
  // UTF-16 and XML are found by their first bytes, and are text all the same.
  if (type && !/^(?:application|text)\/xml$/.test(type.mime)) return null
  const text = decodeText(bytes)
  if (text === null || isSvg(text)) return null
  return { kind: 'text', media_type: /\.(?:md|markdown)$/i.test(name) ? 'text/markdown' : 'text/plain', text }
}

const marks: readonly { bytes: readonly number[]; encoding: string }[] = [
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
]

/** The text of a file that is text: by its byte order mark, else UTF-8, else GBK. Null for binary data. */
export function decodeText(bytes: Buffer): string | null {
  const marked = marks.find(mark => mark.bytes.every((byte, at) => bytes[at] === byte))
  for (const encoding of marked ? [marked.encoding] : ['utf-8', 'gb18030']) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
      return isBinary(text) ? null : text
    } catch {
      // Not in this encoding.
    }
  }
  return null
}

/** Control characters that no text has; form feed and escape occur in listings and logs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const isBinary = (text: string): boolean => /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text)

/** A picture that can carry scripts. */
const isSvg = (text: string): boolean =>
  /^\s*(?:<\?xml[^>]*>\s*|<!--[\s\S]*?-->\s*|<!doctype[^>]*>\s*)*<(?:\w+:)?svg[\s/>]/i.test(
    text.slice(0, 4096),
  )
