import type { Conversation, Folder } from '#api/types.ts'

export type Group = 'pinned' | 'today' | 'yesterday' | 'week' | 'month' | 'earlier'

export type ListRow =
  | { kind: 'group'; key: string; group: Group }
  | { kind: 'folders'; key: string }
  | { kind: 'folder'; key: string; folder: Folder; isOpen: boolean }
  | { kind: 'folder_body'; key: string; folder: Folder }
  | { kind: 'conversation'; key: string; conversation: Conversation }

const day = 86_400_000

function groupOf(conversation: Conversation, today: number): Group {
  if (conversation.is_pinned) return 'pinned'
  const at = Date.parse(conversation.last_message_at)
  if (at >= today) return 'today'
  if (at >= today - day) return 'yesterday'
  if (at >= today - 7 * day) return 'week'
  return at >= today - 30 * day ? 'month' : 'earlier'
}

/**
 * The second column, row by row: pinned, folders, and the rest under the day of its last message. What lies in a
 * folder is shown there only. `now` in ms; days begin at the browser's midnight.
 */
export function listRows(
  conversations: readonly Conversation[],
  folders: readonly Folder[],
  openFolders: ReadonlySet<string>,
  now: number,
): ListRow[] {
  const today = new Date(now).setHours(0, 0, 0, 0)
  const known = new Set(folders.map(folder => folder.id))
  const groups = new Map<Group, ListRow[]>()
  for (const conversation of conversations) {
    if (conversation.folder_id !== null && known.has(conversation.folder_id) && !conversation.is_pinned)
      continue
    const group = groupOf(conversation, today)
    const rows: ListRow[] = groups.get(group) ?? [{ kind: 'group', key: `group ${group}`, group }]
    rows.push({ kind: 'conversation', key: conversation.id, conversation })
    groups.set(group, rows)
  }
  const pinned = groups.get('pinned') ?? []
  groups.delete('pinned')
  const folderRows = folders.flatMap((folder): ListRow[] => {
    const isOpen = openFolders.has(folder.id)
    const head = { kind: 'folder', key: folder.id, folder, isOpen } as const
    return isOpen ? [head, { kind: 'folder_body', key: `body ${folder.id}`, folder }] : [head]
  })
  const head: ListRow[] = folders.length > 0 ? [{ kind: 'folders', key: 'folders' }] : []
  return [...pinned, ...head, ...folderRows, ...[...groups.values()].flat()]
}
