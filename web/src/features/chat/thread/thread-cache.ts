import type { QueryClient } from '@tanstack/react-query'
import { chatKeys } from '#api/chat.ts'
import { ApiError, api } from '#api/client.ts'
import type { Message, Page, SendInput, Turn } from '#api/types.ts'
import { emptyThread, type Pending, reduceThread, type Thread, type ThreadAction } from '../stream-state.ts'
import { readOutbox, writeOutbox } from './outbox.ts'

export const threadKey = (id: string) => [...chatKeys.messages(id), 'thread'] as const

/** Messages per page. */
const pageSize = 30

/** The branch that is shown, merged into what is known of it. */
export const threadQuery = (client: QueryClient, id: string) => ({
  queryKey: threadKey(id),
  queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Thread> => {
    const leaf = () => client.getQueryData<Thread>(threadKey(id))?.messages.at(-1)?.id
    for (let attempt = 1; ; attempt += 1) {
      const before = leaf()
      const page = await readPage(id, null, signal)
      // The branch that is shown may have changed while the page was on its way.
      if (leaf() !== before && attempt < 3) continue
      const known = client.getQueryData<Thread>(threadKey(id)) ?? emptyThread(readOutbox(id))
      return reduceThread(known, { type: 'newest.read', page })
    }
  },
  structuralSharing: false,
})

const readPage = (id: string, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Message>>(`/chat/conversations/${id}/messages`, {
    query: { limit: pageSize, cursor },
    signal,
  })

export function changeThread(client: QueryClient, id: string, ...actions: readonly ThreadAction[]): void {
  client.setQueryData<Thread>(threadKey(id), known => {
    if (!known && actions.every(action => action.type !== 'send.begun')) return undefined
    const before = known ?? emptyThread(readOutbox(id))
    const after = actions.reduce(reduceThread, before)
    if (after.pending !== before.pending) writeOutbox(id, after.pending)
    return after
  })
}

export async function readOlder(client: QueryClient, id: string): Promise<void> {
  const cursor = client.getQueryData<Thread>(threadKey(id))?.older
  if (!cursor) return
  const page = await readPage(id, cursor)
  changeThread(client, id, { type: 'older.read', page })
}

export async function readMessage(client: QueryClient, id: string, messageId: string): Promise<void> {
  const message = await api.get<Message>(`/chat/messages/${messageId}`)
  changeThread(client, id, { type: 'message.read', message })
}

/** Sends a question, or sends it again. Shows it at once; a failure stands under it and the text is kept. */
export async function send(client: QueryClient, id: string, pending: Pending): Promise<void> {
  const { client_message_id } = pending
  changeThread(client, id, { type: 'send.begun', pending: { ...pending, failure: null } })
  const input: SendInput = {
    client_message_id,
    content: pending.content,
    ...(pending.parent_id === undefined ? {} : { parent_id: pending.parent_id }),
    ...(pending.attachments.length > 0 ? { attachment_ids: pending.attachments.map(each => each.id) } : {}),
    ...(pending.model ? { model: pending.model } : {}),
  }
  try {
    const answer = await api.post<Turn>(`/chat/conversations/${id}/messages`, input)
    changeThread(client, id, { type: 'send.done', client_message_id, ...answer })
  } catch (error) {
    const { code, status, detail } =
      error instanceof ApiError ? error : { code: 'unknown', status: -1, detail: '' }
    changeThread(client, id, { type: 'send.failed', client_message_id, failure: { code, status, detail } })
  } finally {
    void client.invalidateQueries({ queryKey: chatKeys.quota })
  }
}

/** Asks for another answer, or for the rest of one. Errors go to the caller. */
export async function again(
  client: QueryClient,
  message: Message,
  way: 'regenerate' | 'continue',
  input: { client_message_id: string; model?: string },
): Promise<void> {
  const answer = await api.post<Turn>(`/chat/messages/${message.id}/${way}`, input)
  changeThread(client, message.conversation_id, { type: 'send.done', ...input, ...answer })
  void client.invalidateQueries({ queryKey: chatKeys.quota })
}
