import { useEffect, useRef, useState } from 'react'
import { address } from '#api/client.ts'
import type { Attachment } from '#api/types.ts'
import { uploadFile } from '#api/upload.ts'
import { useErrorText } from '#ui/error.tsx'

/** A file beside the question that is being written. */
export type ComposerFile = {
  key: string
  name: string
  size: number
  /** Of a picture. */
  preview: string | null
  /** 0 to 1 while it goes up. */
  progress: number
  attachment: Attachment | null
  error: string | null
}

export function useAttachments() {
  const errorText = useErrorText()
  const [files, setFiles] = useState<readonly ComposerFile[]>([])
  const aborts = useRef(new Map<string, AbortController>())
  const previews = useRef(new Set<string>())
  useEffect(
    () => () => {
      for (const abort of aborts.current.values()) abort.abort()
      for (const preview of previews.current) URL.revokeObjectURL(preview)
    },
    [],
  )

  const patch = (key: string, change: Partial<ComposerFile>) =>
    setFiles(known => known.map(file => (file.key === key ? { ...file, ...change } : file)))

  async function addOne(file: File) {
    const key = crypto.randomUUID()
    const preview = file.type.startsWith('image/') ? URL.createObjectURL(file) : null
    if (preview) previews.current.add(preview)
    const abort = new AbortController()
    aborts.current.set(key, abort)
    setFiles(known => [
      ...known,
      { key, name: file.name, size: file.size, preview, progress: 0, attachment: null, error: null },
    ])
    try {
      const attachment = await uploadFile<Attachment>('/chat/attachments', file, {
        signal: abort.signal,
        onProgress: progress => patch(key, { progress }),
      })
      patch(key, { attachment, progress: 1 })
    } catch (error) {
      if (!abort.signal.aborted) patch(key, { error: errorText(error) })
    } finally {
      aborts.current.delete(key)
    }
  }

  return {
    files,
    add: (list: Iterable<File>) => {
      for (const file of list) void addOne(file)
    },
    remove: (key: string) => {
      aborts.current.get(key)?.abort()
      setFiles(known => known.filter(file => file.key !== key))
    },
    clear: () => setFiles([]),
    /** Of a question that came back. */
    restore: (attachments: readonly Attachment[]) =>
      setFiles(known => [
        ...known,
        ...attachments.map(attachment => ({
          key: attachment.id,
          name: attachment.name,
          size: attachment.size,
          preview: attachment.kind === 'image' ? address(`/chat/attachments/${attachment.id}/content`) : null,
          progress: 1,
          attachment,
          error: null,
        })),
      ]),
    isBusy: files.some(file => file.attachment === null && file.error === null),
    ready: files.flatMap(file => (file.attachment ? [file.attachment] : [])),
  }
}
