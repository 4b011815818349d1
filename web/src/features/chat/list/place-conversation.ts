import type { CachedPages } from '#api/chat.ts'
import type { Conversation } from '#api/types.ts'

/** Which conversations a list holds, as its request says. */
export type ListFilter = { archived?: boolean; folder_id?: string }

const belongs = (conversation: Conversation, filter: ListFilter): boolean =>
  !conversation.is_temporary &&
  conversation.is_archived === (filter.archived ?? false) &&
  (filter.folder_id === undefined || conversation.folder_id === filter.folder_id)

/** The server's order: pinned first, then the latest. Negative: `a` comes first. */
function compare(a: Conversation, b: Conversation): number {
  if (a.is_pinned !== b.is_pinned) return a.is_pinned ? -1 : 1
  const [left, right] = [a.last_message_at, b.last_message_at]
  if (left !== right) return left > right ? -1 : 1
  return a.id > b.id ? -1 : 1
}

/** A list's pages with a conversation in its place: moved, changed, new, or no longer in this list. */
export function placeConversation(
  data: CachedPages<Conversation>,
  conversation: Conversation,
  filter: ListFilter,
): CachedPages<Conversation> {
  const pages = removeConversation(data, conversation.id).pages
  if (!belongs(conversation, filter)) return { ...data, pages }
  const last = pages.length - 1
  const target = pages.findIndex(page => page.items.some(each => compare(conversation, each) < 0))
  // Behind everything that is read, it will come with a later page.
  if (target === -1 && pages[last]?.next_cursor != null) return { ...data, pages }
  const at = target === -1 ? last : target
  return {
    ...data,
    pages: pages.map((page, index) => {
      if (index !== at) return page
      const before = page.items.findIndex(each => compare(conversation, each) < 0)
      const place = before === -1 ? page.items.length : before
      return { ...page, items: page.items.toSpliced(place, 0, conversation) }
    }),
  }
}

export function removeConversation(data: CachedPages<Conversation>, id: string): CachedPages<Conversation> {
  return {
    ...data,
    pages: data.pages.map(page =>
      page.items.some(each => each.id === id)
        ? { ...page, items: page.items.filter(each => each.id !== id) }
        : page,
    ),
  }
}
