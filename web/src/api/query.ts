import {
  QueryCache,
  QueryClient,
  type QueryKey,
  type UseInfiniteQueryResult,
  useInfiniteQuery,
  useMutation,
  useQueryClient,
} from '@tanstack/react-query'
import { ApiError, api, type Query } from './client.ts'
import type { Page } from './types.ts'

export const meKey = ['me'] as const

const sessionEnded = new Set(['auth.required', 'auth.token_invalid'])

export const hasSessionEnded = (error: unknown): boolean =>
  error instanceof ApiError && sessionEnded.has(error.code)

/**
 * The tab's cache of server state. Where something is read, a 401 means that the session ended: the shell then asks to
 * sign in. Where something is written it would throw away what was typed: there the error says what to do.
 */
export function createQueryClient(): QueryClient {
  const onError = (error: Error) => {
    if (hasSessionEnded(error)) client.setQueryData(meKey, null)
  }
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    defaultOptions: {
      // Offline a view says so at once, instead of waiting in silence; it is read again when the network is back.
      queries: {
        staleTime: 30_000,
        networkMode: 'always',
        refetchOnReconnect: 'always',
        retry: (count, error) => count < 2 && navigator.onLine && isWorthRetrying(error),
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
  return client
}

/** Only what may pass by itself: no answer, a gateway's hiccup. The server's own refusals stay as they are. */
function isWorthRetrying(error: Error): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 502 || error.status === 503)
}

export type PagesResult<T> = UseInfiniteQueryResult<{ items: T[] }, Error>

/** A cursor-paged list: `data.items` holds all pages read so far; `fetchNextPage` reads on. */
export function usePages<T>(
  key: QueryKey,
  path: string,
  query: Query = {},
  options: { limit?: number; enabled?: boolean; refetchInterval?: number | false } = {},
): PagesResult<T> {
  const { limit = 50, ...rest } = options
  return useInfiniteQuery({
    queryKey: [...key, query],
    queryFn: ({ pageParam, signal }) =>
      api.get<Page<T>>(path, { query: { ...query, limit, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next_cursor,
    select: data => ({ items: data.pages.flatMap(page => page.items) }),
    ...rest,
  })
}

/** A write after which everything under the given keys is read again. */
export function useWrite<Input, Result>(
  write: (input: Input) => Promise<Result>,
  ...keys: readonly QueryKey[]
) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: write,
    onSuccess: () => Promise.all(keys.map(queryKey => client.invalidateQueries({ queryKey }))),
  })
}
