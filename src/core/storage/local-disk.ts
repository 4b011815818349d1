import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { addAbortSignal, Readable } from 'node:stream'
import { type ByteRange, checkKey, type Storage, storageRangeInvalid, storageTooLarge } from './storage.ts'

/*
 * One file on disk per stored file, so that the two can never disagree:
 *   bytes of the content · media type (UTF-8) · its length (2 bytes) · the format's mark (6 bytes)
 */
const mark = Buffer.from('banyn1')
const trailerBytes = 2 + mark.length
const longestMediaType = 255
/** Unfinished files older than this were left by a process that died. */
const abandonedAfterMs = 24 * 60 * 60 * 1000

/** Storage in `files` below the data directory. Several processes on one machine may share it. */
export function createLocalDisk({ dataDir }: { dataDir: string }): Storage {
  const root = join(dataDir, 'files')
  const unfinished = join(root, '.unfinished')
  // A key may be the beginning of another (`a`, `a/b`): the `~`, which no key has, keeps files and folders apart.
  const pathOf = (key: string) => {
    checkKey(key)
    return join(root, `${key}~`)
  }
  let prepared: Promise<void> | undefined

  return {
    async put(key, content, { media_type, max_bytes, signal }) {
      const path = pathOf(key)
      signal?.throwIfAborted()
      // A stream may break before it is read; the loop over it throws that error, too.
      if (content instanceof Readable) content.on('error', () => {})
      prepared ??= prepare(unfinished)
      await prepared
      const draft = join(unfinished, randomBytes(12).toString('hex'))
      try {
        const size = await writeDraft(draft, guarded(content, { max_bytes, signal }), media_type)
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        await rename(draft, path)
        await sync(dirname(path))
        return { size }
      } catch (error) {
        await rm(draft, { force: true })
        signal?.throwIfAborted()
        throw error
      }
    },

    async get(key, range) {
      const handle = await openExisting(pathOf(key))
      if (!handle) return null
      try {
        const { size, media_type } = await readTrailer(handle)
        const { start, end } = within(size, range)
        if (size > 0) return { stream: handle.createReadStream({ start, end }), size, media_type }
        await handle.close()
        return { stream: Readable.from([]), size, media_type }
      } catch (error) {
        await handle.close()
        throw error
      }
    },

    async delete(key) {
      await rm(pathOf(key), { force: true })
    },
  }
}

async function prepare(unfinished: string): Promise<void> {
  await mkdir(unfinished, { recursive: true, mode: 0o700 })
  for (const name of await readdir(unfinished)) {
    const path = join(unfinished, name)
    const file = await stat(path).catch(() => null) // another process may have finished it
    if (file && Date.now() - file.mtimeMs > abandonedAfterMs) await rm(path, { force: true })
  }
}

type Guards = { max_bytes: number | undefined; signal: AbortSignal | undefined }

async function* guarded(content: Readable | Buffer, { max_bytes = Infinity, signal }: Guards) {
  const chunks = Buffer.isBuffer(content) ? [content] : signal ? addAbortSignal(signal, content) : content
  let size = 0
  for await (const chunk of chunks as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    size += bytes.length
    if (size > max_bytes) throw storageTooLarge({ limit: max_bytes })
    yield bytes
  }
}

async function writeDraft(path: string, chunks: AsyncIterable<Buffer>, mediaType: string): Promise<number> {
  const handle = await open(path, 'wx', 0o600)
  try {
    let size = 0
    for await (const chunk of chunks) {
      size += chunk.length
      await handle.appendFile(chunk)
    }
    await handle.appendFile(trailer(mediaType))
    await handle.sync()
    return size
  } finally {
    await handle.close()
  }
}

function trailer(mediaType: string): Buffer {
  const type = Buffer.from(mediaType)
  if (type.length > longestMediaType) throw new RangeError('the media type is too long')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(type.length)
  return Buffer.concat([type, length, mark])
}

async function readTrailer(handle: FileHandle): Promise<{ size: number; media_type: string }> {
  const total = (await handle.stat()).size
  const position = Math.max(0, total - trailerBytes - longestMediaType)
  const tail = Buffer.alloc(total - position)
  await handle.read({ buffer: tail, position })
  if (!tail.subarray(-mark.length).equals(mark)) throw new Error('a stored file has lost its end')
  const typeLength = tail.readUInt16BE(tail.length - trailerBytes)
  const typeStart = tail.length - trailerBytes - typeLength
  return {
    size: total - trailerBytes - typeLength,
    media_type: tail.toString('utf8', typeStart, typeStart + typeLength),
  }
}

function within(size: number, range: ByteRange | undefined): { start: number; end: number } {
  const { start = 0, end = size - 1 } = range ?? {}
  const isValid =
    Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && start < size
  if (range && !isValid) throw storageRangeInvalid({ size })
  return { start, end: Math.min(end, size - 1) }
}

async function openExisting(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Makes a rename survive a power cut. Windows cannot open folders, and does it by itself. */
async function sync(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
