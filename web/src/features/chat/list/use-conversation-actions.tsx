import { useQueryClient } from '@tanstack/react-query'
import { App, Button, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMatch, useNavigate } from 'react-router'
import { address, api } from '#api/client.ts'
import type { Conversation, ConversationPatch } from '#api/types.ts'
import { useErrorText } from '#ui/error.tsx'
import { cacheConversation, forgetConversation } from './list-cache.ts'

/** Seconds for which a deletion offers to be undone. */
const undoTime = 8

/** What can be done with a conversation, from its row and from its page. */
export function useConversationActions() {
  const { t } = useTranslation(['chat', 'app'])
  const client = useQueryClient()
  const errorText = useErrorText()
  const { message, modal } = App.useApp()
  const navigate = useNavigate()
  const openId = useMatch('/chat/:id')?.params.id

  const titleOf = (conversation: Conversation) => conversation.title ?? t('list.untitled')

  /** Shown at once; put back when the server refuses. */
  async function change(conversation: Conversation, patch: ConversationPatch) {
    cacheConversation(client, { ...conversation, ...patch })
    try {
      cacheConversation(
        client,
        await api.patch<Conversation>(`/chat/conversations/${conversation.id}`, patch),
      )
    } catch (error) {
      cacheConversation(client, conversation)
      message.error(errorText(error))
    }
  }

  async function restore(conversation: Conversation) {
    try {
      const back = await api.post<Conversation>(`/chat/conversations/${conversation.id}/restore`)
      cacheConversation(client, back)
      navigate(`/chat/${back.id}`)
    } catch (error) {
      message.error(errorText(error))
    }
  }

  async function remove(conversation: Conversation) {
    forgetConversation(client, conversation.id)
    if (openId === conversation.id) navigate('/chat')
    try {
      await api.delete(`/chat/conversations/${conversation.id}`)
    } catch (error) {
      cacheConversation(client, conversation)
      message.error(errorText(error))
      return
    }
    const key = `deleted ${conversation.id}`
    message.open({
      key,
      type: 'success',
      duration: undoTime,
      content: (
        <>
          {t('list.deleted', { title: shorten(titleOf(conversation)) })}
          <Button
            type="link"
            size="small"
            onClick={() => {
              message.destroy(key)
              void restore(conversation)
            }}
          >
            {t('app:common.undo')}
          </Button>
        </>
      ),
    })
  }

  function rename(conversation: Conversation) {
    let title = conversation.title ?? ''
    let isFresh = true
    const save = () => {
      const next = title.trim()
      if (next !== '' && next !== conversation.title) void change(conversation, { title: next })
    }
    const dialog = modal.confirm({
      title: t('list.renameTitle'),
      icon: null,
      content: (
        <Input
          defaultValue={title}
          maxLength={200}
          autoFocus
          aria-label={t('list.renameTitle')}
          onFocus={event => {
            // The dialog may take the focus and give it back while one is typing.
            if (isFresh) event.target.select()
            isFresh = false
          }}
          onChange={event => {
            title = event.target.value
          }}
          onPressEnter={event => {
            if (event.nativeEvent.isComposing) return
            dialog.destroy()
            save()
          }}
        />
      ),
      okText: t('app:common.save'),
      onOk: save,
    })
  }

  function download(conversation: Conversation, format: 'markdown' | 'json') {
    startDownload(address(`/chat/conversations/${conversation.id}/export`, { format }))
  }

  return { change, remove, rename, download, titleOf }
}

/** Lets the browser save what an address sends as a file. */
export function startDownload(href: string): void {
  const link = document.createElement('a')
  link.href = href
  link.download = ''
  document.body.append(link)
  link.click()
  link.remove()
}

const shorten = (text: string): string => (text.length > 24 ? `${text.slice(0, 24)}…` : text)
