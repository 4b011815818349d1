import { type QueryClient, useQuery } from '@tanstack/react-query'
import { chatKeys } from '#api/chat.ts'
import { ApiError, api } from '#api/client.ts'
import type { Bot } from '#api/types.ts'

const botQuery = (id: string) => ({
  queryKey: [...chatKeys.bots, 'one', id],
  queryFn: ({ signal }: { signal: AbortSignal }) => api.get<Bot>(`/chat/bots/${id}`, { signal }),
  staleTime: 5 * 60_000,
})

/** The bot of a conversation; undefined while it is read, without one, and when it is gone. */
export function useBot(id: string | null | undefined): Bot | undefined {
  const { data } = useQuery({ ...botQuery(id ?? ''), enabled: typeof id === 'string' })
  return id ? data : undefined
}

/** The same once it is read. @throws ApiError when it cannot be read now */
export async function readBot(client: QueryClient, id: string | null): Promise<Bot | undefined> {
  try {
    return id ? await client.ensureQueryData(botQuery(id)) : undefined
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}
