import { useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Outlet } from 'react-router'
import { chatKeys } from '#api/chat.ts'
import { useChannel } from '#api/live.ts'
import { useMe } from '#api/me.ts'
import type { ChatUserEvent } from '#api/types.ts'
import { WithSideColumn } from '#ui/side-column.tsx'
import { ChatDialogs } from './dialogs/chat-dialogs.tsx'
import { ConversationList } from './list/conversation-list.tsx'
import { applyUserEvent } from './list/list-cache.ts'

/** Chat: the conversations beside the page. */
export function Component() {
  const { t } = useTranslation('chat')
  useUserNews()
  return (
    <ChatDialogs>
      <WithSideColumn label={t('list.label')} side={<ConversationList />}>
        <Outlet />
      </WithSideColumn>
    </ChatDialogs>
  )
}

function useUserNews() {
  const client = useQueryClient()
  const isHeard = useRef(false)
  useChannel<ChatUserEvent>(`chat.user.${useMe().id}`, {
    onItems: items => {
      for (const { data } of items) applyUserEvent(client, data)
    },
    onReady: ({ recovered }) => {
      // The first time: what was read before may have missed what was said before.
      if (isHeard.current && recovered) return
      isHeard.current = true
      void client.invalidateQueries({ queryKey: chatKeys.conversations })
      void client.invalidateQueries({ queryKey: chatKeys.quota })
    },
  })
}
