import type { Pending } from '../stream-state.ts'
import { readStored, writeStored } from './storage.ts'

const keyOf = (conversationId: string) => `banyan.chat.outbox.${conversationId}`

const isList = (value: unknown): value is Pending[] =>
  Array.isArray(value) &&
  value.every(each => typeof each?.client_message_id === 'string' && typeof each.content === 'string')

const unsent = { code: 'network.failed', status: 0, detail: '' }

/** Questions of an earlier page load that may not have reached the server; sending them again is safe. */
export const readOutbox = (conversationId: string): Pending[] =>
  (readStored(keyOf(conversationId), isList) ?? []).map(each => ({
    ...each,
    failure: each.failure ?? unsent,
  }))

export const writeOutbox = (conversationId: string, pending: readonly Pending[]): void =>
  writeStored(keyOf(conversationId), pending.length > 0 ? pending : null)
