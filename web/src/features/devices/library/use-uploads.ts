import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { MediaItem } from '#api/device-types.ts'
import { deviceKeys } from '#api/devices.ts'
import { uploadFile } from '#api/upload.ts'
import { useErrorText } from '#ui/error.tsx'

/** A file that is to become a piece of the library. */
export type Draft = {
  key: string
  file: File
  kind: MediaItem['kind']
  title: string
  /** 0 to 1 while it goes up. */
  progress: number | null
  /** Why it was not taken. */
  error: string | null
}

/** What is said of all files of one upload. */
export type CommonFields = { artist?: string; style?: string; template_id?: string }

const draftOf = (file: File): Draft => ({
  key: crypto.randomUUID(),
  file,
  kind: /\.json$/i.test(file.name) ? 'dance' : 'music',
  title: (file.name.replace(/\.[^.]+$/, '') || file.name).slice(0, 200),
  progress: null,
  error: null,
})

/** Files that go up one after the other; those that arrived leave the list. */
export function useUploads() {
  const client = useQueryClient()
  const errorText = useErrorText()
  const [drafts, setDrafts] = useState<readonly Draft[]>([])
  const [isRunning, setRunning] = useState(false)
  const abort = useRef<AbortController>(null)
  useEffect(() => () => abort.current?.abort(), [])

  const patch = (key: string, change: Partial<Draft>) =>
    setDrafts(all => all.map(draft => (draft.key === key ? { ...draft, ...change } : draft)))
  const remove = (key: string) => setDrafts(all => all.filter(draft => draft.key !== key))

  async function sendOne({ key, file, kind, title }: Draft, fields: CommonFields, signal: AbortSignal) {
    patch(key, { progress: 0, error: null })
    try {
      const query = { ...fields, kind, title: title.trim() }
      const onProgress = (progress: number) => patch(key, { progress })
      await uploadFile<MediaItem>('/devices/media', file, { query, signal, onProgress })
      remove(key)
      return true
    } catch (error) {
      patch(key, { progress: null, error: signal.aborted ? null : errorText(error) })
      return false
    }
  }

  return {
    drafts,
    isRunning,
    add: (file: File) => setDrafts(all => [...all, draftOf(file)]),
    rename: (key: string, title: string) => patch(key, { title }),
    remove,
    stop: () => abort.current?.abort(),
    /** How many arrived. Those that did not stay in the list, with the reason. */
    async send(fields: CommonFields): Promise<number> {
      const controller = new AbortController()
      const { signal } = controller
      abort.current = controller
      setRunning(true)
      let arrived = 0
      for (const draft of drafts) {
        if (!signal.aborted && (await sendOne(draft, fields, signal))) arrived++
      }
      setRunning(false)
      await client.invalidateQueries({ queryKey: deviceKeys.media })
      return arrived
    },
  }
}
