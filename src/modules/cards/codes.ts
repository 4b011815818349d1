import { createHmac, hash, randomBytes } from 'node:crypto'
import type { Key } from '#core/security/key-file.ts'

/*
 * What is printed on a card: 15 characters that carry 75 bits, and a check character. The alphabet is Crockford's
 * base 32 (https://www.crockford.com/base32.html): no I, L, O and U.
 */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const values32 = new Map([...alphabet].map((letter, value) => [letter, value]))
const bodyLength = 15
const codeLength = bodyLength + 1

/** A code without separators, as it is hashed: 16 characters of the alphabet, the last of them right. */
export type Code = string & { readonly brand: 'Code' }

/** Multiplication by x in GF(32) = GF(2)[x] / (x⁵ + x² + 1). x generates all 31 non-zero elements. */
const timesX = (value: number): number => (value & 16 ? (value << 1) ^ 0b100101 : value << 1)

/**
 * Damm's scheme (H. M. Damm, Total anti-symmetrische Quasigruppen, 2004) over the quasigroup a∗b = x·a + b of GF(32).
 * It is totally anti-symmetric: (c∗a)∗b = (c∗b)∗a means (x + 1)(a + b) = 0, hence a = b; and so does a∗b = b∗a. With
 * that, every single wrong character and every swap of two neighbours is caught.
 */
export const step = (interim: number, value: number): number => timesX(interim) ^ value

const folded = (values: Iterable<number>): number => {
  let interim = 0
  for (const value of values) interim = step(interim, value)
  return interim
}

/** The check character for fifteen others: with it the fold ends at 0. */
const checkOf = (values: readonly number[]): number => timesX(folded(values))

/** A new secret of a batch: 256 bits. */
export const newBatchSecret = (): Buffer => randomBytes(32)

/** HMAC-SHA256 under one key, of messages of one length that `write` puts in place; a letter of Latin-1 for each byte. */
type Mac = (write: (message: Buffer) => void) => string

/**
 * HMAC (RFC 2104) from one-shot hashes. `createHmac` sets up a context for each call, which takes six times as long, and
 * a million cards need two million of them. As text, since each buffer would be memory outside of the heap, which is
 * collected late.
 */
function macOf(key: Buffer, messageBytes: number): Mac {
  const inner = Buffer.alloc(64 + messageBytes, 0x36)
  const outer = Buffer.alloc(64 + 32, 0x5c)
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ 0x36
    outer[at] = byte ^ 0x5c
  }
  return write => {
    write(inner.subarray(64))
    outer.write(hash('sha256', inner, 'binary'), 64, 'latin1')
    return hash('sha256', outer, 'binary')
  }
}

const macs = new WeakMap<Buffer, Mac>()

function macOfSecret(secret: Buffer): Mac {
  const known = macs.get(secret)
  if (known) return known
  const mac = macOf(secret, 6)
  macs.set(secret, mac)
  return mac
}

/**
 * The code of a card: a pseudo-random function (HMAC-SHA256) of its batch's secret and its number, so that it can be
 * made again without being stored. `attempt` is above 0 only where an earlier code of this number existed already.
 */
export function codeOf(secret: Buffer, number: number, attempt: number): Code {
  const digest = macOfSecret(secret)(message => {
    message.writeUInt32BE(number, 0)
    message.writeUInt16BE(attempt, 4)
  })
  const values: number[] = []
  let bits = 0
  let held = 0
  for (let at = 0; values.length < bodyLength; at++) {
    held = ((held << 8) | digest.charCodeAt(at)) & 0xfff
    bits += 8
    while (bits >= 5 && values.length < bodyLength) {
      bits -= 5
      values.push((held >> bits) & 31)
    }
  }
  values.push(checkOf(values))
  return values.map(value => alphabet[value]).join('') as Code
}

/** `7K3M-…`: in groups of four, as it is printed. */
export const printed = (code: Code): string => code.match(/.{4}/g)?.join('-') ?? code

export type ParsedCode =
  | { code: Code; problem: null }
  | { code: null; problem: 'length' | 'character' | 'check' }

/**
 * Reads what a person typed or a scanner saw. Separators do not matter, nor do lower case and full-width letters; O is
 * 0, I and L are 1. `problem` says what is wrong without any look-up: a letter that no code has (U among them), another
 * number of letters, or a check character that does not fit, which means a slip of the pen.
 */
export function parseCode(text: string): ParsedCode {
  const letters = text
    .normalize('NFKC')
    .toUpperCase()
    .replaceAll(/[\s\p{Pd}_.·・]/gu, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
  const values: number[] = []
  for (const letter of letters) {
    const value = values32.get(letter)
    if (value === undefined) return { code: null, problem: 'character' }
    values.push(value)
  }
  if (values.length !== codeLength) return { code: null, problem: 'length' }
  if (folded(values) !== 0) return { code: null, problem: 'check' }
  return { code: letters as Code, problem: null }
}

/** Hashes codes under one of the server's keys: 128 bits of HMAC-SHA256. */
export type CodeHasher = {
  key_id: string
  hash(code: Code): Buffer
  /** Writes the sixteen bytes of the hash at a place. */
  write(code: Code, into: Buffer, at: number): void
}

/** One hasher for each key, the present one first. */
export const codeHashers = (keys: readonly Key[]): CodeHasher[] =>
  keys.map(({ id, key }) => {
    // A key for codes only: what is made with the server's key elsewhere is of no use here.
    const own = createHmac('sha256', key).update('banyan cards code').digest()
    const mac = macOf(own, codeLength)
    const write: CodeHasher['write'] = (code, into, at) => {
      into.write(
        mac(message => message.write(code, 'latin1')),
        at,
        16,
        'latin1',
      )
    }
    return {
      key_id: id,
      hash(code) {
        const digest = Buffer.alloc(16)
        write(code, digest, 0)
        return digest
      },
      write,
    }
  })

/**
 * What a code may be stored as: a hash for each key that the server has. `code_hash = ANY(…)` finds the card, by one
 * probe of the index for each key.
 */
export const hashesOf = (hashers: readonly CodeHasher[], code: Code): Buffer[] =>
  hashers.map(hasher => hasher.hash(code))
