import type { Readable } from 'node:stream'
import { isId, newToken } from '#core/ids.ts'
import type { Deps } from '../deps.ts'
import { avatarMissing, avatarNotAnImage, avatarTooLarge, userNotFound } from '../errors.ts'
import { findUser, lockUser, updateUser } from '../store/users.ts'

export const avatarBytes = 2 * 1024 * 1024

/** `truncated`: the parser cut the file off at its limit. */
type Upload = Readable & { truncated?: boolean }

const accepted = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif'])

/** Profile pictures. What a file is, its first bytes say; the name and type that came with it are not looked at. */
export function createAvatars({ db, storage, actors }: Pick<Deps, 'db' | 'storage' | 'actors'>) {
  async function replace(userId: string, avatar_key: string | null) {
    const before = await db.transaction(async tx => {
      const user = await lockUser(tx, userId)
      if (!user) throw userNotFound()
      await updateUser(tx, userId, { avatar_key })
      return user
    })
    if (before.avatar_key) await storage.delete(before.avatar_key)
    await actors.forget(userId)
  }

  return {
    /** @throws AppError `avatar.not_an_image`, `avatar.too_large` */
    async put(userId: string, file: Upload): Promise<void> {
      const content = await readAll(file)
      // The parser stops at its own limit without a word.
      if (file.truncated) throw avatarTooLarge({ limit: avatarBytes })
      const { fileTypeFromBuffer } = await import('file-type')
      const type = await fileTypeFromBuffer(content)
      if (!type || !accepted.has(type.mime)) throw avatarNotAnImage()
      const key = `identity/avatars/${userId}/${newToken(12)}`
      await storage.put(key, content, { media_type: type.mime })
      await replace(userId, key)
    },

    remove: (userId: string) => replace(userId, null),

    /** @throws AppError `avatar.not_found` */
    async get(userId: string) {
      const user = isId(userId) ? await findUser(db.primary, userId) : undefined
      const stored = user?.avatar_key ? await storage.get(user.avatar_key) : null
      if (!stored || !accepted.has(stored.media_type)) throw avatarMissing()
      return stored
    },
  }
}

async function readAll(file: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of file) {
    size += chunk.length
    if (size > avatarBytes) throw avatarTooLarge({ limit: avatarBytes })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
