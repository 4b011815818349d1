import { readStored, writeStored } from '../thread/storage.ts'

const keyOf = (conversationId: string | undefined) => `banyan.chat.draft.${conversationId ?? 'new'}`
const isText = (value: unknown): value is string => typeof value === 'string'

/** What was being written in a conversation (or for a new one) when it was left. */
export const readDraft = (conversationId: string | undefined): string =>
  readStored(keyOf(conversationId), isText) ?? ''

export const writeDraft = (conversationId: string | undefined, text: string): void =>
  writeStored(keyOf(conversationId), text === '' ? null : text)
