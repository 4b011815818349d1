import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, type RefObject, useContext, useMemo, useState } from 'react'
import { chatKeys } from '#api/chat.ts'
import { ApiError, api } from '#api/client.ts'
import type { Conversation, Message } from '#api/types.ts'
import type { ComposerHandle } from '../composer/composer.tsx'
import { cacheConversation } from '../list/list-cache.ts'
import type { Pending, SendFailure } from '../stream-state.ts'
import { again, changeThread, send, threadKey } from './thread-cache.ts'

export type ThreadActions = {
  /** Under the newest message, or as a new version of an edited question. */
  ask: (question: Pick<Pending, 'content' | 'attachments'>, edited?: Message) => void
  resend: (pending: Pending) => void
  /** Back into the composer, to be changed. */
  takeBack: (pending: Pending) => void
  regenerate: (answer: Message, model?: string) => Promise<void>
  carryOn: (answer: Message) => Promise<void>
  stop: (answer: Message) => Promise<void>
  /** Shows the branch of another version. */
  show: (messageId: string) => Promise<void>
}

const ActionsContext = createContext<ThreadActions | null>(null)
const FailuresContext = createContext<Readonly<Record<string, SendFailure>>>({})

/** Null where a conversation can only be read. */
export const useThreadActions = (): ThreadActions | null => useContext(ActionsContext)
/** Why the last thing asked of a message was not done. */
export const useActionFailure = (messageId: string): SendFailure | undefined =>
  useContext(FailuresContext)[messageId]

export function ThreadActionsProvider({
  id,
  composer,
  children,
}: {
  id: string
  composer: RefObject<ComposerHandle | null>
  children: ReactNode
}) {
  const client = useQueryClient()
  const [failures, setFailures] = useState<Readonly<Record<string, SendFailure>>>({})
  const actions = useMemo(() => {
    const attempt = async (messageId: string, work: () => Promise<unknown>) => {
      setFailures(({ [messageId]: _, ...others }) => others)
      try {
        await work()
      } catch (error) {
        setFailures(known => ({ ...known, [messageId]: failureOf(error) }))
      }
    }
    return createActions(client, id, composer, attempt)
  }, [client, id, composer])
  return (
    <ActionsContext value={actions}>
      <FailuresContext value={failures}>{children}</FailuresContext>
    </ActionsContext>
  )
}

export function failureOf(error: unknown): SendFailure {
  if (!(error instanceof ApiError)) return { code: 'unknown', status: -1, detail: '' }
  const { code, status, detail } = error
  return { code, status, detail }
}

type Attempt = (messageId: string, work: () => Promise<unknown>) => Promise<void>

function createActions(
  client: QueryClient,
  id: string,
  composer: RefObject<ComposerHandle | null>,
  attempt: Attempt,
): ThreadActions {
  return {
    ask(question, edited) {
      void send(client, id, {
        ...newPending(question),
        ...(edited ? { parent_id: edited.parent_id } : {}),
      })
    },
    resend: pending => void send(client, id, pending),
    takeBack(pending) {
      changeThread(client, id, { type: 'send.dropped', client_message_id: pending.client_message_id })
      composer.current?.takeBack(pending)
    },
    regenerate: (answer, model) =>
      attempt(answer.id, () =>
        again(client, answer, 'regenerate', {
          client_message_id: crypto.randomUUID(),
          ...(model ? { model } : {}),
        }),
      ),
    carryOn: answer =>
      attempt(answer.id, () => again(client, answer, 'continue', { client_message_id: crypto.randomUUID() })),
    stop: answer => attempt(answer.id, () => api.post(`/chat/messages/${answer.id}/stop`)),
    show: messageId =>
      attempt(messageId, async () => {
        const patch = { current_message_id: messageId }
        cacheConversation(client, await api.patch<Conversation>(`/chat/conversations/${id}`, patch))
        await client.invalidateQueries({ queryKey: threadKey(id), exact: true })
        void client.invalidateQueries({ queryKey: chatKeys.conversation(id), exact: true })
      }),
  }
}

export const newPending = (question: Pick<Pending, 'content' | 'attachments'>): Pending => ({
  ...question,
  client_message_id: crypto.randomUUID(),
  created_at: new Date().toISOString(),
  failure: null,
})
