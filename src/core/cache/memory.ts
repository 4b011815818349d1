import { LRUCache } from 'lru-cache'
import type { Clock } from '#core/clock.ts'

type Entry = { json: string; tags: readonly string[]; expires_at: number }

/** The tier inside the process: JSON texts, the least recently used dropped when the bytes run out. */
export type MemoryTier = {
  get(key: string): string | undefined
  set(key: string, json: string, tags: readonly string[], ttl_ms: number): void
  delete(key: string): void
  invalidate(tags: readonly string[]): void
  clear(): void
  readonly bytes: number
}

/** What an entry costs besides its characters: map slots, the entry itself, its places in the tag index. */
const overhead = 250

/** An entry larger than a sixteenth of `max_bytes` is not kept, or one value could push out all others. */
export function createMemoryTier({ max_bytes, clock }: { max_bytes: number; clock: Clock }): MemoryTier {
  const keysOfTag = new Map<string, Set<string>>()
  const entries = new LRUCache<string, Entry>({
    maxSize: max_bytes,
    maxEntrySize: Math.ceil(max_bytes / 16),
    // Two bytes a character: what V8 needs as soon as one of them is beyond Latin-1.
    sizeCalculation: ({ json, tags }, key) =>
      2 * (json.length + key.length + tags.reduce((sum, tag) => sum + tag.length + 20, 0)) + overhead,
    dispose(entry, key) {
      for (const tag of entry.tags) {
        const keys = keysOfTag.get(tag)
        keys?.delete(key)
        if (keys?.size === 0) keysOfTag.delete(tag)
      }
    },
  })
  return {
    get(key) {
      const entry = entries.get(key)
      if (!entry) return undefined
      if (entry.expires_at > clock.now()) return entry.json
      entries.delete(key)
      return undefined
    },
    set(key, json, tags, ttl_ms) {
      entries.set(key, { json, tags, expires_at: clock.now() + ttl_ms })
      if (!entries.has(key)) return
      for (const tag of tags) {
        const keys = keysOfTag.get(tag)
        if (keys) keys.add(key)
        else keysOfTag.set(tag, new Set([key]))
      }
    },
    delete: key => void entries.delete(key),
    invalidate(tags) {
      for (const tag of tags) for (const key of [...(keysOfTag.get(tag) ?? [])]) entries.delete(key)
    },
    clear: () => entries.clear(),
    get bytes() {
      return entries.calculatedSize
    },
  }
}
