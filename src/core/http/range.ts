import type { ByteRange, StoredFile } from '#core/storage/storage.ts'

/** The one range that a request asks for (RFC 9110, 14.1.2). Several, or other units: the whole file, so undefined. */
export async function rangeOf(
  header: string | undefined,
  size: () => Promise<number>,
): Promise<ByteRange | undefined> {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first !== '')
    return last === '' ? { start: Number(first) } : { start: Number(first), end: Number(last) }
  if (last === '') return undefined
  const total = await size()
  return { start: Math.max(0, total - Number(last)) }
}

/** Status and headers of an answer that is a file, or a range of it that storage has found to be inside. */
export function rangeAnswer({ size }: StoredFile, range: ByteRange | undefined) {
  const start = range?.start ?? 0
  const end = Math.min(range?.end ?? size - 1, size - 1)
  return {
    status: range ? 206 : 200,
    headers: {
      'content-length': end - start + 1,
      'accept-ranges': 'bytes',
      ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
    },
  }
}
