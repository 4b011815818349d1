import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { defineError } from '#core/errors.ts'

/** A 256-bit key and the short name by which ciphertexts refer to it. */
export type SecretKey = { id: string; key: Buffer }

/** Encryption of single columns: API keys of providers, tokens of platforms. */
export type Secrets = {
  /**
   * AES-256-GCM with a random nonce under the first key. `context` says what and whose the secret is
   * (`ai_provider.api_key:UUID`); a ciphertext that is moved to another row or column does not decrypt there.
   */
  encrypt(text: string, context: string): string
  /** @throws `secret.unreadable` for a foreign context, a changed text, or a key that is no longer there. */
  decrypt(text: string, context: string): string
  /** True when a text was not encrypted by the first key: decrypt it and store it encrypted anew. */
  needsRotation(text: string): boolean
}

export const secretUnreadable = defineError({
  code: 'secret.unreadable',
  status: 500,
  en: 'A stored secret cannot be read, because its key is gone or it was changed. An administrator has to enter it again.',
  'zh-CN': '已保存的密钥无法读取（加密密钥缺失或内容被改动），请管理员重新填写。',
})

const version = 'v1'
const nonceBytes = 12
const tagBytes = 16

/** @param keys the first encrypts, all decrypt. */
export function createSecrets(keys: readonly SecretKey[]): Secrets {
  const [first] = keys
  if (!first) throw new Error('createSecrets needs at least one key')
  const byId = new Map(keys.map(({ id, key }) => [id, key]))
  return {
    encrypt(text, context) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', first.key, nonce)
      cipher.setAAD(additionalData(first.id, context))
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${version}.${first.id}.${sealed.toString('base64url')}`
    },
    decrypt(text, context) {
      const { id, sealed } = parse(text)
      const key = byId.get(id)
      if (!key || sealed.length < nonceBytes + tagBytes) throw secretUnreadable()
      const nonce = sealed.subarray(0, nonceBytes)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      decipher.setAAD(additionalData(id, context))
      decipher.setAuthTag(sealed.subarray(-tagBytes))
      const start = decipher.update(sealed.subarray(nonceBytes, -tagBytes))
      try {
        return Buffer.concat([start, decipher.final()]).toString('utf8')
      } catch (cause) {
        throw secretUnreadable({}, { cause })
      }
    },
    needsRotation: text => parse(text).id !== first.id,
  }
}

const additionalData = (id: string, context: string) => Buffer.from(`${version}.${id}.${context}`)

function parse(text: string): { id: string; sealed: Buffer } {
  const match = /^v1\.([^.]+)\.([\w-]+)$/.exec(text)
  if (!match?.[1] || !match[2]) throw secretUnreadable()
  return { id: match[1], sealed: Buffer.from(match[2], 'base64url') }
}
