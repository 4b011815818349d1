import { basename, extname } from 'node:path/posix'
import type { Settings } from '#core/config.ts'
import type { Db } from '#core/db/db.ts'
import { type AppError, defineError } from '#core/errors.ts'
import type { Actor } from '#core/http/route.ts'
import { newId } from '#core/ids.ts'
import type { Storage, StoredFile } from '#core/storage/storage.ts'
import { attachmentStore } from './attachment-store.ts'
import type { chatSettings } from './config.ts'
import { type Attachment, attachmentNotFound } from './contract.ts'
import { fileKind } from './file-kind.ts'
import { type PdfText, pdfText } from './pdf-text.ts'
import type { ChatTables } from './tables.ts'
import { storable } from './text-stream.ts'

const attachmentEmpty = defineError({
  code: 'attachment.empty',
  status: 400,
  en: 'The file is empty.',
  'zh-CN': '文件是空的。',
})
export const attachmentTooLarge = defineError({
  code: 'attachment.too_large',
  status: 413,
  en: 'The file is larger than {limit_mb} MB.',
  'zh-CN': '文件超过了 {limit_mb} MB 的上限。',
})
const attachmentsFull = defineError({
  code: 'attachment.no_room',
  status: 413,
  en: 'Your files may take up {limit_mb} MB in all, and there is no room for this one. Delete conversations with files first.',
  'zh-CN': '您的文件总量上限为 {limit_mb} MB，已放不下这个文件。请先删除带文件的对话。',
})
const attachmentTypeRefused = defineError({
  code: 'attachment.type_not_supported',
  status: 415,
  en: 'Only PNG, JPEG, WebP and GIF pictures, PDF, and text files can be attached.',
  'zh-CN': '只能添加 PNG、JPEG、WebP、GIF 图片、PDF 和文本文件。',
})
const pdfErrors: Record<Exclude<PdfText, { ok: true }>['reason'], () => AppError> = {
  encrypted: defineError({
    code: 'attachment.pdf_encrypted',
    status: 422,
    en: 'This PDF is protected by a password. Remove it and try again.',
    'zh-CN': '这个 PDF 有密码保护，请去除密码后再试。',
  }),
  broken: defineError({
    code: 'attachment.pdf_broken',
    status: 422,
    en: 'This PDF is damaged and cannot be read.',
    'zh-CN': '这个 PDF 已损坏，无法读取。',
  }),
  no_text: defineError({
    code: 'attachment.pdf_no_text',
    status: 422,
    en: 'There is no text in this PDF; its pages may be scans. Send them as pictures to a model that sees.',
    'zh-CN': '这个 PDF 里没有文字，可能是扫描件。可以截成图片发给支持图片的模型。',
  }),
  too_many_pages: defineError({
    code: 'attachment.pdf_too_long',
    status: 422,
    en: 'This PDF has too many pages.',
    'zh-CN': '这个 PDF 页数过多。',
  }),
  too_slow: defineError({
    code: 'attachment.pdf_too_slow',
    status: 422,
    en: 'This PDF takes too long to read.',
    'zh-CN': '读取这个 PDF 耗时过长。',
  }),
}

export const megabyte = 1024 * 1024
const maxNameLength = 200

export type Attachments = ReturnType<typeof createAttachments>

/** A user's files. What a file is, its bytes say; the type that came with it is not looked at. */
export function createAttachments(deps: {
  db: Db
  storage: Storage
  settings: Settings<typeof chatSettings>
}) {
  const { storage, settings } = deps
  const db = deps.db.withTables<ChatTables>()

  return {
    /**
     * Keeps a file, to be sent with a message within a day. `text` is a PDF's text where it is known already.
     * @throws AppError `attachment.*`
     */
    async add(
      { user_id }: Pick<Actor, 'user_id'>,
      file: { name: string; bytes: Buffer; text?: string | null },
      signal: AbortSignal,
    ): Promise<Attachment> {
      const { bytes } = file
      const limit_mb = settings.CHAT_ATTACHMENT_MAX_MB
      if (bytes.length === 0) throw attachmentEmpty()
      if (bytes.length > limit_mb * megabyte) throw attachmentTooLarge({ limit_mb })
      const name = fileName(file.name)
      const found = await fileKind(bytes, name)
      if (!found) throw attachmentTypeRefused()
      const maxChars = settings.CHAT_ATTACHMENT_TEXT_CHARS
      let text = found.kind === 'text' ? found.text : null
      if (found.kind === 'pdf') text = file.text ?? (await textOfPdf(bytes, maxChars, signal))
      const id = newId()
      const { kind, media_type } = found
      const attachment = { id, name, media_type, size: bytes.length, kind }
      const storage_key = `chat/attachments/${user_id}/${id}`
      const content_text = text === null ? null : storable(text.slice(0, maxChars))
      const row = { ...attachment, user_id, storage_key, content_text }
      const total_mb = settings.CHAT_ATTACHMENT_TOTAL_MB
      // The row first: a file without one would never be found again, a row without its file is swept.
      const fits = await db.transaction(tx => attachmentStore.insertWithin(tx, row, total_mb * megabyte))
      if (!fits) throw attachmentsFull({ limit_mb: total_mb })
      try {
        await storage.put(storage_key, bytes, { media_type })
      } catch (error) {
        await attachmentStore.remove(db.primary, id)
        throw error
      }
      return attachment
    },

    /** @throws AppError `attachment.not_found`, also for files of others */
    async open(
      { user_id }: Pick<Actor, 'user_id'>,
      id: string,
    ): Promise<{ attachment: Attachment; file: StoredFile }> {
      const row = await attachmentStore.find(db.primary, user_id, id)
      const file = row ? await storage.get(row.storage_key) : null
      if (!row || !file) throw attachmentNotFound()
      const { storage_key: _, ...attachment } = row
      return { attachment, file }
    },

    /** Removes up to `limit` files of which nobody has made use, and returns how many. */
    removeUnused: (before: Date, limit: number): Promise<number> =>
      removeWithFiles(tx => attachmentStore.removeUnused(tx, before, limit)),

    /** Removes up to `limit` of a user's files, and returns how many. */
    removeOf: (userId: string, limit: number): Promise<number> =>
      removeWithFiles(tx => attachmentStore.removeOf(tx, userId, limit)),
  }

  /** If the process dies half-way the rows are still there, and their files are deleted again. */
  async function removeWithFiles(
    work: (tx: Parameters<Parameters<typeof db.transaction>[0]>[0]) => Promise<string[]>,
  ): Promise<number> {
    return db.transaction(async tx => {
      const keys = await work(tx)
      for (const key of keys) await storage.delete(key)
      return keys.length
    })
  }
}

async function textOfPdf(bytes: Buffer, maxChars: number, signal: AbortSignal): Promise<string> {
  const result = await pdfText(bytes, maxChars, signal)
  if (!result.ok) throw pdfErrors[result.reason]()
  return result.text
}

/**
 * A name without a path, control characters, or marks that turn the direction of writing (`gpj.exe` shown as
 * `exe.jpg`), and not too long; the ending stays.
 */
export function fileName(given: string): string {
  const bare = storable(basename(given.replaceAll('\\', '/')))
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim()
  if (bare === '' || bare === '.' || bare === '..') return 'file'
  const letters = [...bare]
  if (letters.length <= maxNameLength) return bare
  const ending = [...extname(bare)].slice(0, 20)
  return [...letters.slice(0, maxNameLength - ending.length), ...ending].join('')
}
