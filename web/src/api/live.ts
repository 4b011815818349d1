import { useEffect, useEffectEvent, useSyncExternalStore } from 'react'
import { request } from './client.ts'
import { createRealtime, type RealtimeItem, type RealtimeState } from './realtime.ts'
import { type AskForStream, openEventStream } from './realtime-stream.ts'

const askForStream: AskForStream = (channels, signal) =>
  request('POST', '/realtime/stream', { channels }, { signal, headers: { Accept: 'text/event-stream' } })

/** The tab's connection. Signed in by the session cookie, as every request. */
export const realtime = createRealtime({
  open: () => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/realtime/ws`) as never,
  openStream: channels => openEventStream(askForStream, channels),
})

addEventListener('online', () => realtime.retry())
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') realtime.retry()
})

type ChannelHandlers<T> = {
  onItems: (items: RealtimeItem<T>[]) => void
  /** See `Subscriber.onReady`: on `recovered: false` read the resource again. */
  onReady?: (ready: { position: string; recovered: boolean }) => void
  onError?: (error: { code: string; detail: string }) => void
}

/** Listens to a channel while the component is mounted; `null` listens to nothing. Handlers may change freely. */
export function useChannel<T>(channel: string | null, handlers: ChannelHandlers<T>): void {
  const onItems = useEffectEvent(handlers.onItems)
  const onReady = useEffectEvent((ready: { position: string; recovered: boolean }) =>
    handlers.onReady?.(ready),
  )
  const onError = useEffectEvent((error: { code: string; detail: string }) => handlers.onError?.(error))
  useEffect(() => {
    if (channel === null) return
    return realtime.subscribe<T>(channel, {
      onItems: items => onItems(items),
      onReady: ready => onReady(ready),
      onError: error => onError(error),
    })
  }, [channel])
}

export function useRealtimeState(): RealtimeState {
  return useSyncExternalStore(realtime.onState, realtime.state)
}

/** `refetchInterval` for data that is normally live: polls every `ms` only while live updates are down. */
export function useFallbackPolling(ms = 5_000): number | false {
  return useRealtimeState() === 'down' ? ms : false
}
