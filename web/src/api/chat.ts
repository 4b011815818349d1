import { type InfiniteData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from './client.ts'
import { usePages, useWrite } from './query.ts'
import type {
  Bot,
  BotInput,
  Conversation,
  ConversationInput,
  ConversationPatch,
  Folder,
  Instructions,
  Memory,
  MemorySettings,
  Message,
  Model,
  Page,
  Quota,
  SearchHit,
  Share,
  SharedConversation,
} from './types.ts'

/** Keys of the cache, for what arrives live (`client.setQueryData`). Lists carry their filter behind these. */
export const chatKeys = {
  conversations: ['chat', 'conversations'] as const,
  conversation: (id: string) => ['chat', 'conversation', id] as const,
  messages: (id: string) => ['chat', 'conversation', id, 'messages'] as const,
  quota: ['chat', 'quota'] as const,
  bots: ['chat', 'bots'] as const,
  folders: ['chat', 'folders'] as const,
  memories: ['chat', 'memories'] as const,
  memorySettings: ['chat', 'memory-settings'] as const,
}

/** How pages lie in the cache under a `usePages` key. */
export type CachedPages<T> = InfiniteData<Page<T>, string | null>

export const useConversations = (filter: { archived?: boolean; folder_id?: string } = {}) =>
  usePages<Conversation>(chatKeys.conversations, '/chat/conversations', filter)

export function useConversation(id: string) {
  return useQuery({
    queryKey: chatKeys.conversation(id),
    queryFn: ({ signal }) => api.get<Conversation>(`/chat/conversations/${id}`, { signal }),
  })
}

/** The current branch, newest first. */
export const useMessages = (id: string, options: { enabled?: boolean } = {}) =>
  usePages<Message>(chatKeys.messages(id), `/chat/conversations/${id}/messages`, {}, options)

export const useChatSearch = (q: string) =>
  usePages<SearchHit>(['chat', 'search'], '/chat/search', { q }, { enabled: q.trim() !== '', limit: 20 })

export function useModels() {
  return useQuery({
    queryKey: ['chat', 'models'],
    queryFn: ({ signal }) => api.get<Page<Model>>('/chat/models', { signal }),
    staleTime: 5 * 60_000,
  })
}

export const useBots = () => usePages<Bot>(chatKeys.bots, '/chat/bots')

export function useFolders() {
  return useQuery({
    queryKey: chatKeys.folders,
    queryFn: ({ signal }) => api.get<Page<Folder>>('/chat/folders', { signal }),
  })
}

export function useQuota() {
  return useQuery({
    queryKey: chatKeys.quota,
    queryFn: ({ signal }) => api.get<Quota>('/chat/quota', { signal }),
  })
}

export function useInstructions() {
  return useQuery({
    queryKey: ['chat', 'instructions'],
    queryFn: ({ signal }) => api.get<Instructions>('/chat/instructions', { signal }),
  })
}

export function useShares(id: string) {
  return useQuery({
    queryKey: [...chatKeys.conversation(id), 'shares'],
    queryFn: ({ signal }) => api.get<Page<Share>>(`/chat/conversations/${id}/shares`, { signal }),
  })
}

/** Public: needs no sign-in. */
export function useShared(token: string) {
  return useQuery({
    queryKey: ['chat', 'shared', token],
    queryFn: ({ signal }) =>
      api.get<SharedConversation>(`/chat/shared/${encodeURIComponent(token)}`, { signal }),
  })
}

export const useCreateConversation = () =>
  useWrite(
    (input: ConversationInput) => api.post<Conversation>('/chat/conversations', input),
    chatKeys.conversations,
  )

export function usePatchConversation() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, ...patch }: ConversationPatch & { id: string }) =>
      api.patch<Conversation>(`/chat/conversations/${id}`, patch),
    onSuccess: conversation => {
      client.setQueryData(chatKeys.conversation(conversation.id), conversation)
      return client.invalidateQueries({ queryKey: chatKeys.conversations })
    },
  })
}

export const useDeleteConversation = () =>
  useWrite((id: string) => api.delete(`/chat/conversations/${id}`), chatKeys.conversations)

export const useRestoreConversation = () =>
  useWrite((id: string) => api.post(`/chat/conversations/${id}/restore`), chatKeys.conversations)

export const useSaveBot = () =>
  useWrite(
    ({ id, ...bot }: BotInput & { id?: string }) =>
      id ? api.put<Bot>(`/chat/bots/${id}`, bot) : api.post<Bot>('/chat/bots', bot),
    chatKeys.bots,
  )

export const useDeleteBot = () => useWrite((id: string) => api.delete(`/chat/bots/${id}`), chatKeys.bots)

/** What bots remember. `bot_id` null: of all; `none`: of talks without one. */
export const useMemories = ({
  bot_id,
  q,
  is_current,
}: {
  bot_id: string | null
  q: string
  is_current: boolean
}) =>
  usePages<Memory>(chatKeys.memories, '/chat/memories', {
    ...(bot_id ? { bot_id } : {}),
    ...(q ? { q } : {}),
    is_current,
  })

export const useDeleteMemory = () =>
  useWrite((id: string) => api.delete(`/chat/memories/${id}`), chatKeys.memories)

export const useDeleteMemories = () =>
  useWrite(
    (bot_id: string | null) => api.delete(`/chat/memories${bot_id ? `?bot_id=${bot_id}` : ''}`),
    chatKeys.memories,
  )

export function useMemorySettings() {
  return useQuery({
    queryKey: chatKeys.memorySettings,
    queryFn: ({ signal }) => api.get<MemorySettings>('/chat/memories/settings', { signal }),
  })
}

export const useSaveMemorySettings = () =>
  useWrite(
    (settings: MemorySettings) => api.put<MemorySettings>('/chat/memories/settings', settings),
    chatKeys.memorySettings,
  )

/** One message by itself. */
export function useMessage(id: string) {
  return useQuery({
    queryKey: ['chat', 'message', id],
    queryFn: ({ signal }) => api.get<Message>(`/chat/messages/${id}`, { signal }),
  })
}
