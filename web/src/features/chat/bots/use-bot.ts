import { useQuery } from '@tanstack/react-query'
import { chatKeys } from '#api/chat.ts'
import { api } from '#api/client.ts'
import type { Bot } from '#api/types.ts'

/** The bot of a conversation; undefined while it is read, without one, and when it is gone. */
export function useBot(id: string | null | undefined): Bot | undefined {
  const { data } = useQuery({
    queryKey: [...chatKeys.bots, 'one', id],
    queryFn: ({ signal }) => api.get<Bot>(`/chat/bots/${id}`, { signal }),
    enabled: typeof id === 'string',
    staleTime: 5 * 60_000,
  })
  return id ? data : undefined
}
