import { parentPort, workerData } from 'node:worker_threads'

/*
 * Reads the text of one PDF in a thread of its own, which its parent kills when it takes too long. A few kilobytes of
 * PDF can unpack to many gigabytes. pdf.js asks for its buffers by length, so refusing long ones bounds them; the
 * platform's own decompressor, which has no limit, is taken away.
 */

export type PdfRequest = { bytes: Uint8Array; max_pages: number; max_chars: number; max_buffer: number }
export type PdfReply =
  | { ok: true; text: string }
  | { ok: false; reason: 'encrypted' | 'broken' | 'too_many_pages' | 'no_text' }

const request = workerData as PdfRequest
const Bytes = globalThis.Uint8Array

function limitBuffers(max: number) {
  Reflect.deleteProperty(globalThis, 'DecompressionStream')
  globalThis.Uint8Array = new Proxy(Bytes, {
    construct(target, args: unknown[], newTarget) {
      if (typeof args[0] === 'number' && args[0] > max)
        throw new RangeError('A buffer of the PDF is too large')
      return Reflect.construct(target, args, newTarget) as object
    },
  })
}

async function read({ bytes, max_pages, max_chars, max_buffer }: PdfRequest): Promise<PdfReply> {
  limitBuffers(max_buffer)
  const { getDocumentProxy } = await import('unpdf')
  const document = await getDocumentProxy(new Bytes(bytes), { verbosity: 0 })
  const pages = document.numPages
  if (pages > max_pages) return { ok: false, reason: 'too_many_pages' }
  const texts: string[] = []
  let length = 0
  for (let number = 1; number <= pages && length < max_chars; number++) {
    const page = await document.getPage(number)
    const { items } = await page.getTextContent()
    const text = items.map(item => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join('')
    page.cleanup()
    texts.push(text)
    length += text.length
  }
  const text = texts.join('\n\n').slice(0, max_chars)
  return text.trim() === '' ? { ok: false, reason: 'no_text' } : { ok: true, text }
}

read(request).then(
  reply => parentPort?.postMessage(reply),
  (error: unknown) => {
    const isLocked = error instanceof Error && error.name === 'PasswordException'
    parentPort?.postMessage({ ok: false, reason: isLocked ? 'encrypted' : 'broken' } satisfies PdfReply)
  },
)
