import { useParams, useSearchParams } from 'react-router'
import { ExistingConversation } from './existing-conversation.tsx'
import { NewConversation } from './new-conversation.tsx'

/** `/chat` begins a conversation (`?bot=`, `?folder=`, `?temporary=1`), `/chat/:id` shows one. */
export function Component() {
  const { id } = useParams()
  const [search] = useSearchParams()
  if (id) return <ExistingConversation key={id} id={id} />
  const bot = search.get('bot')
  return (
    <NewConversation
      key={bot ?? ''}
      botId={bot}
      folderId={search.get('folder')}
      isTemporary={search.get('temporary') === '1'}
    />
  )
}
