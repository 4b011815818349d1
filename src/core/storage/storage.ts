import type { Readable } from 'node:stream'
import { defineError } from '#core/errors.ts'

/** What a file is, beside its bytes. */
export type FileInfo = { media_type: string }

export type StoredFile = {
  /** The bytes that were asked for. Read it to its end or destroy it. Fails when the file is cut under the reader. */
  stream: Readable
  /** Bytes of the whole file, also when only a range of it is read. */
  size: number
  media_type: string
}

/** The first and last byte to read, counted from 0, both included, as in an HTTP Range. */
export type ByteRange = { start: number; end?: number }

/**
 * Files by key. A key is a path of names from `[A-Za-z0-9._-]`, up to 512 characters: `chat/attachments/0198…`.
 * Every method throws `storage.key_invalid` for anything else.
 */
export type Storage = {
  /**
   * Stores a file, in place of an older one under the key. It appears whole or not at all, and is on disk when the
   * promise resolves. Returns its size.
   * @throws `storage.too_large` when there are more than `max_bytes`; the stream's own error when it fails;
   *   the signal's reason. Nothing is kept then, and an older file stays.
   */
  put(
    key: string,
    content: Readable | Buffer,
    options: FileInfo & { max_bytes?: number; signal?: AbortSignal },
  ): Promise<{ size: number }>
  /**
   * A file, or a part of it, or null when there is none.
   * @throws `storage.range_invalid` when the range begins behind the end.
   */
  get(key: string, range?: ByteRange): Promise<StoredFile | null>
  /** Deletes a file; no error when there is none. */
  delete(key: string): Promise<void>
}

export const storageKeyInvalid = defineError({
  code: 'storage.key_invalid',
  status: 400,
  en: 'This is not the name of a stored file.',
  'zh-CN': '这不是有效的文件标识。',
})
export const storageTooLarge = defineError({
  code: 'storage.too_large',
  status: 413,
  en: 'The file is larger than {limit} bytes.',
  'zh-CN': '文件超过了 {limit} 字节的上限。',
})
export const storageRangeInvalid = defineError({
  code: 'storage.range_invalid',
  status: 416,
  en: 'The file has only {size} bytes.',
  'zh-CN': '文件只有 {size} 字节。',
})

const name = /^(?!\.)[A-Za-z0-9._-]{1,200}$/

/** Refuses what could leave the store or mean different files to different drivers. @throws `storage.key_invalid` */
export function checkKey(key: string): void {
  if (key.length > 512 || !key.split('/').every(part => name.test(part))) throw storageKeyInvalid()
}
