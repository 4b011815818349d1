import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef } from 'react'
import { chatKeys } from '#api/chat.ts'
import { useChannel, useRealtimeState } from '#api/live.ts'
import type { ConversationEvent } from '#api/types.ts'
import type { Thread } from '../stream-state.ts'
import { createFrames, type Frames } from './frames.ts'
import { changeThread, readMessage, readOlder, send, threadQuery } from './thread-cache.ts'

/** A streaming answer of which nothing is heard for so long (ms) is read again. */
const silence = 10_000
const silenceWithoutLive = 1_500
const resendEvery = 8_000

/** A conversation's messages, kept up to date live; at most one change is shown per frame. */
export function useThread(id: string) {
  const client = useQueryClient()
  const query = useQuery(threadQuery(client, id))
  const apply = useFrames<ConversationEvent>(events => {
    for (const event of events) {
      if (event.type === 'conversation.updated') {
        client.setQueryData(chatKeys.conversation(id), event.conversation)
      }
    }
    changeThread(client, id, ...events)
  })
  const reread = () => client.invalidateQueries({ queryKey: threadQuery(client, id).queryKey, exact: true })
  const isHeard = useRef(false)
  useChannel<ConversationEvent>(`chat.conversation.${id}`, {
    onItems: items => apply(items.map(item => item.data)),
    onReady: ({ recovered }) => {
      // The first time: what was read before may have missed what was said before.
      if (isHeard.current && recovered) return
      isHeard.current = true
      void reread()
      void client.invalidateQueries({ queryKey: chatKeys.conversation(id), exact: true })
    },
  })
  const thread = query.data
  const isStale = thread?.isStale ?? false
  const rereadNow = useEffectEvent(() => void reread())
  useEffect(() => {
    if (isStale) rereadNow()
  }, [isStale])
  useGaps(id, thread)
  useSilence(id, thread)
  useResend(id, thread)
  return {
    thread,
    error: query.error,
    retry: () => void query.refetch(),
    readOlder: () => readOlder(client, id),
  }
}

function useFrames<T>(apply: (items: T[]) => void): (items: readonly T[]) => void {
  const onFrame = useEffectEvent(apply)
  const frames = useRef<Frames<T>>(null)
  useEffect(() => {
    const made = createFrames<T>(items => onFrame(items))
    frames.current = made
    return made.stop
  }, [])
  return items => frames.current?.add(items)
}

/** Reads the messages again in which live pieces are missing. */
function useGaps(id: string, thread: Thread | undefined) {
  const client = useQueryClient()
  const gaps = Object.keys(thread?.waiting ?? {}).join(' ')
  useEffect(() => {
    for (const messageId of gaps.split(' ')) {
      if (messageId) readMessage(client, id, messageId).catch(() => {})
    }
  }, [client, id, gaps])
}

function useSilence(id: string, thread: Thread | undefined) {
  const client = useQueryClient()
  const live = useRealtimeState()
  const streaming = thread?.messages.findLast(message => message.status === 'streaming')
  const wait = live === 'open' ? silence : silenceWithoutLive
  const length = streaming ? streaming.content.length + (streaming.reasoning?.length ?? 0) : 0
  const streamingId = streaming?.id
  const lastHeard = useRef(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: every new piece is a sign of life.
  useEffect(() => {
    lastHeard.current = Date.now()
  }, [streamingId, length])
  useEffect(() => {
    if (!streamingId) return
    const timer = setInterval(() => {
      if (Date.now() - lastHeard.current < wait) return
      lastHeard.current = Date.now()
      readMessage(client, id, streamingId).catch(() => {})
    }, silenceWithoutLive)
    return () => clearInterval(timer)
  }, [client, id, streamingId, wait])
}

/** Questions that the network swallowed are sent again when it is back: under the same id, so never twice. */
function useResend(id: string, thread: Thread | undefined) {
  const client = useQueryClient()
  const live = useRealtimeState()
  const lost = thread?.pending.filter(pending => pending.failure?.status === 0) ?? []
  const resend = useEffectEvent(() => {
    if (!navigator.onLine) return
    for (const pending of lost) void send(client, id, pending)
  })
  const isWaiting = lost.length > 0
  const isBack = live === 'open'
  useEffect(() => {
    if (!isWaiting) return
    // At once when the connection comes back; what fails on a standing one is tried again after a while.
    const timer = setInterval(() => resend(), resendEvery)
    const onOnline = () => resend()
    addEventListener('online', onOnline)
    return () => {
      clearInterval(timer)
      removeEventListener('online', onOnline)
    }
  }, [isWaiting])
  useEffect(() => {
    if (isBack) resend()
  }, [isBack])
}
