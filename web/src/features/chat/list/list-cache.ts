import type { QueryClient } from '@tanstack/react-query'
import { type CachedPages, chatKeys } from '#api/chat.ts'
import type { ChatUserEvent, Conversation } from '#api/types.ts'
import { type ListFilter, placeConversation, removeConversation } from './place-conversation.ts'

/** Puts a conversation into its place in every list that is in the cache. */
export function cacheConversation(client: QueryClient, conversation: Conversation): void {
  const queries = client.getQueryCache().findAll({ queryKey: chatKeys.conversations })
  for (const { queryKey } of queries) {
    const filter = (queryKey[chatKeys.conversations.length] ?? {}) as ListFilter
    client.setQueryData<CachedPages<Conversation>>(
      queryKey,
      data => data && placeConversation(data, conversation, filter),
    )
  }
  client.setQueryData(chatKeys.conversation(conversation.id), conversation)
}

export function forgetConversation(client: QueryClient, id: string): void {
  client.setQueriesData<CachedPages<Conversation>>(
    { queryKey: chatKeys.conversations },
    data => data && removeConversation(data, id),
  )
}

/** What another tab or device did. */
export function applyUserEvent(client: QueryClient, event: ChatUserEvent): void {
  if (event.type === 'conversation.deleted') forgetConversation(client, event.id)
  else if (event.type === 'quota.updated') client.setQueryData(chatKeys.quota, event.quota)
  else cacheConversation(client, event.conversation)
}
